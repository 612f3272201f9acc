use super::*;

fn permissions(allowed: &[&str], denied: &[&str]) -> Arc<Permissions> {
    let mut permissions = Permissions::none();
    for rule in allowed {
        permissions = permissions.allow(Area::Net, rule).unwrap();
    }
    for rule in denied {
        permissions = permissions.deny(Area::Net, rule).unwrap();
    }
    Arc::new(permissions)
}

/// A look-up needs a rule for the name, with any port; only a rule for all ports denies it.
#[test]
fn look_ups_are_for_names() {
    for (allowed, denied, host, expected) in [
        (&["127.0.0.1", "0.0.0.0/0"][..], &[][..], "localhost", false),
        (&["127.0.0.1"], &[], "127.0.0.1", true),
        (&["localhost"], &[], "localhost", true),
        (&["localhost:80"], &[], "LOCALHOST.", true),
        (&["localhost"], &["localhost:80"], "localhost", true),
        (&["localhost:80"], &["localhost"], "localhost", false),
        (&["localhost"], &["127.0.0.1"], "localhost", true),
    ] {
        let result = permissions(allowed, denied).allow(NetworkUse::Resolve { host });
        assert_eq!(result.is_ok(), expected, "{allowed:?} {denied:?} {host}");
    }
}

/// Port 0 is a port like others: it does not mean all ports.
#[test]
fn no_port_stands_for_others() {
    let permissions = permissions(&["x:80", "10.0.0.0/8:80"], &[]);
    for port in [0, 1, 79, 80, 81, u16::MAX] {
        for (host, address) in [("x", None), ("x", Some("11.0.0.1")), ("y", Some("10.0.0.1"))] {
            let address = address.map(|address| address.parse().unwrap());
            let result = permissions.allow(NetworkUse::Connect { host, port, address });
            assert_eq!(result.is_ok(), port == 80, "{host}:{port} {address:?}");
        }
    }
}
