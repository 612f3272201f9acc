//! Rules for hosts: names and blocks of addresses, with or without a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const EXPECTED: &str = "expected HOST, HOST:PORT or ADDRESS/BITS";

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
    /// Parses `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS/BITS`, `[ADDRESS]:PORT`. The error is what
    /// is wrong with it.
    pub fn parse(text: &str) -> Result<HostRule, String> {
        let (host, port) = split(text)?;
        let port = port.map(|port| port.parse().map_err(|_| EXPECTED)).transpose()?;
        let host = match HostPattern::block(host)? {
            Some(block) => block,
            None => HostPattern::name(host)?,
        };
        Ok(HostRule { host, port })
    }

    /// Whether the rule applies to a port of a host, by its name or by one of its addresses.
    pub(super) fn matches(&self, host: &str, port: u16, address: Option<IpAddr>) -> bool {
        self.has_port(port) && self.is_for(host, address)
    }

    /// Whether the rule applies to some port of a host.
    pub(super) fn is_for(&self, host: &str, address: Option<IpAddr>) -> bool {
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

    /// Whether the rule applies to all ports.
    pub(super) fn is_for_all_ports(&self) -> bool {
        self.port.is_none()
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

/// Splits a rule into the host and the port.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or(EXPECTED)?;
        return match port.strip_prefix(':') {
            _ if !host.contains(':') => Err(EXPECTED.into()),
            None if port.is_empty() => Ok((host, None)),
            None => Err(EXPECTED.into()),
            port => Ok((host, port)),
        };
    }
    match text.rsplit_once(':') {
        None => Ok((text, None)),
        Some((host, port)) if !host.contains(':') => Ok((host, Some(port))),
        // An IPv6 address.
        Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() && port.parse::<u16>().is_ok() => {
            Err(format!("write [{host}]:{port} or [{text}]"))
        }
        Some(_) => Ok((text, None)),
    }
}

impl HostPattern {
    /// Parses addresses; None if the text is a name.
    fn block(text: &str) -> Result<Option<HostPattern>, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| EXPECTED)?)),
            None => (text, None),
        };
        let address: IpAddr = match address.parse() {
            Ok(address) => address,
            Err(_) if bits.is_none() => return Ok(None),
            Err(_) => return Err(EXPECTED.into()),
        };
        let length = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(length(address));
        if bits > length(address) {
            return Err(EXPECTED.into());
        }
        // An IPv4 address that is mapped to IPv6 is IPv4 everywhere.
        let mapped = length(address) - length(address.to_canonical());
        let (address, bits) = (address.to_canonical(), bits.checked_sub(mapped));
        let bits =
            bits.ok_or_else(|| format!("write an IPv4 address, or {mapped} bits or more"))?;
        // A rule for only the unspecified address applies to the loopback address, like
        // connections.
        let address = if bits == length(address) { effective(address) } else { address };
        Ok(Some(HostPattern::Block { address, bits }))
    }

    fn name(text: &str) -> Result<HostPattern, String> {
        let name = normalized(text);
        let is_wrong = |letter: char| {
            letter.is_whitespace() || letter.is_control() || ":/[]@?#*,%".contains(letter)
        };
        if name.is_empty() || name.contains(is_wrong) {
            return Err(EXPECTED.into());
        }
        if !name.is_ascii() {
            return Err("write the name in its ASCII form, xn--...".into());
        }
        // Resolvers take `127.1` and `0x7f000001` for addresses.
        let last = name.rsplit('.').next().unwrap_or_default();
        let digits = last.strip_prefix("0x").unwrap_or(last);
        let is_hexadecimal = digits.len() < last.len();
        let is_number = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || is_hexadecimal && byte.is_ascii_hexdigit());
        match is_number {
            true => Err("write an address as four numbers".into()),
            false => Ok(HostPattern::Name(name)),
        }
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
    let equal = match (address, first) {
        (IpAddr::V4(address), IpAddr::V4(first)) => {
            (address.to_bits() ^ first.to_bits()).leading_zeros()
        }
        (IpAddr::V6(address), IpAddr::V6(first)) => {
            (address.to_bits() ^ first.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    equal >= bits
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

    /// A rule for a mapped address is the rule for the IPv4 address.
    #[test]
    fn mapped_addresses_are_ipv4() {
        let addresses = ["0.0.0.0", "10.0.0.1", "10.255.0.1", "127.0.0.1", "255.255.255.255"];
        for first in addresses {
            for bits in 0..=32 {
                let plain = HostRule::parse(&format!("{first}/{bits}")).unwrap();
                let mapped = HostRule::parse(&format!("::ffff:{first}/{}", 96 + bits)).unwrap();
                assert_eq!(plain, mapped);
                for address in addresses {
                    let mapped = format!("::ffff:{address}").parse().unwrap();
                    let plain_matches = plain.matches("x", 1, address.parse().ok());
                    assert_eq!(plain_matches, plain.matches("x", 1, Some(mapped)));
                }
            }
        }
        assert_eq!(HostRule::parse("[::ffff:10.0.0.1]:80"), HostRule::parse("10.0.0.1:80"));
    }

    #[test]
    fn a_port_belongs_to_the_rule() {
        for rule in ["x:80", "10.0.0.0/8:80", "[fe80::1]:80", "[fe80::/10]:80"] {
            let rule = HostRule::parse(rule).unwrap();
            let address = if rule.host == HostPattern::Name("x".into()) { "::" } else { "fe80::1" };
            for address in [address, "10.0.0.1"].map(|address| address.parse().ok()) {
                assert!([0, 81].iter().all(|port| !rule.matches("x", *port, address)), "{rule:?}");
            }
            assert!(!rule.is_for_addresses(81));
        }
    }

    /// Every rule that is accepted has one meaning, and denies what it names.
    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            ".",
            "a b",
            "host:port",
            "http://x",
            "10.0.0.0/33",
            "10.0.0.0/",
            "x/8",
            "*.x",
            "x:70000",
            "x:1:2",
            "[::1",
            "[::1]80",
            "[x]:80",
            "[10.0.0.1]:80",
            "::1/129",
            "fe80::1%eth0",
            "127.1",
            "10.0.0",
            "10.0.0.256",
            "2130706433",
            "0x7f.1",
            "x.0x7F",
            "bücher.example",
            "::ffff:10.0.0.0/8",
            "::1:80",
            "2001:db8::1:443",
        ] {
            assert!(HostRule::parse(text).is_err(), "{text}");
        }
        for text in ["[::1:80]", "::1:80/128", "::1:8a", "1:2:3:4:5:6:7:8", "x.0xyz", "1.example"] {
            assert!(HostRule::parse(text).is_ok(), "{text}");
        }
    }
}
