//! Rules for hosts: names and blocks of addresses, with or without a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host that is allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    host: HostPattern,
    /// None means any port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    /// A name in lower case.
    Name(String),
    /// All addresses with these leading bits.
    Block { address: IpAddr, bits: u32 },
}

impl HostRule {
    /// Parses `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS/BITS`, `[ADDRESS]:PORT`.
    pub fn parse(text: &str) -> Option<HostRule> {
        if let Some(host) = HostPattern::block(text) {
            return Some(HostRule { host, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Some(host) = HostPattern::block(inner.unwrap_or(host)) {
            return Some(HostRule { host, port });
        }
        let is_name = !host.is_empty()
            && !host.contains(|letter: char| {
                letter.is_whitespace() || letter.is_control() || ":/[]@?#*,".contains(letter)
            });
        is_name.then(|| HostRule { host: HostPattern::Name(normalized(host)), port })
    }

    /// Whether the rule applies to a host, by its name or by one of its addresses. Port 0
    /// represents any port.
    pub(super) fn matches(&self, host: &str, port: u16, address: Option<IpAddr>) -> bool {
        if !self.has_port(port) {
            return false;
        }
        match &self.host {
            HostPattern::Name(name) => *name == normalized(host),
            HostPattern::Block { address: first, bits } => {
                address.is_some_and(|address| in_block(effective(address), *first, *bits))
            }
        }
    }

    /// Whether the rule may apply to a host whose name is not resolved yet.
    pub(super) fn is_for_addresses(&self, port: u16) -> bool {
        matches!(self.host, HostPattern::Block { .. }) && self.has_port(port)
    }

    fn has_port(&self, port: u16) -> bool {
        port == 0 || self.port.is_none_or(|own| own == port)
    }
}

impl HostPattern {
    fn block(text: &str) -> Option<HostPattern> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(HostPattern::Block { address, bits })
    }
}

fn normalized(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Returns the address that a connection reaches: IPv4 addresses mapped to IPv6 become IPv4, and
/// the unspecified address becomes the loopback address.
fn effective(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

fn in_block(address: IpAddr, first: IpAddr, bits: u32) -> bool {
    let differing = match (address, effective_block(first, bits)) {
        (IpAddr::V4(address), IpAddr::V4(first)) => {
            (address.to_bits() ^ first.to_bits()).leading_zeros()
        }
        (IpAddr::V6(address), IpAddr::V6(first)) => {
            (address.to_bits() ^ first.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    differing >= bits
}

/// A rule for only the unspecified address applies to the loopback address, like connections.
fn effective_block(first: IpAddr, bits: u32) -> IpAddr {
    let is_single = bits == if first.is_ipv4() { 32 } else { 128 };
    if is_single { effective(first) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &str, host: &str, port: u16, address: &str) -> bool {
        HostRule::parse(rule).unwrap().matches(host, port, address.parse().ok())
    }

    #[test]
    fn names_are_compared_as_dns_does() {
        assert!(matches("Example.com", "example.COM.", 80, ""));
        assert!(matches("example.com:443", "example.com", 443, ""));
        assert!(!matches("example.com:443", "example.com", 80, ""));
        assert!(!matches("example.com", "www.example.com", 80, ""));
        assert!(!matches("example.com", "notexample.com", 80, ""));
    }

    #[test]
    fn blocks_cover_what_an_address_reaches() {
        assert!(matches("10.0.0.0/8", "x", 1, "10.255.0.1"));
        assert!(!matches("10.0.0.0/8", "x", 1, "11.0.0.1"));
        assert!(matches("127.0.0.1", "x", 1, "::ffff:127.0.0.1"));
        assert!(matches("127.0.0.1", "0.0.0.0", 1, "0.0.0.0"));
        assert!(matches("::1", "x", 1, "::"));
        assert!(matches("[::1]:80", "x", 80, "::1"));
        assert!(!matches("[::1]:80", "x", 81, "::1"));
        assert!(matches("0.0.0.0/0", "x", 80, "8.8.8.8"));
        assert!(!matches("0.0.0.0/0", "x", 80, "::2"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a b", "host:port", "http://x", "10.0.0.0/33", "*.x", "x:70000", "[::1"] {
            assert_eq!(HostRule::parse(text), None, "{text}");
        }
    }
}
