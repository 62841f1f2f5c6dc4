//! Which addresses may be connected to. Judged on resolved addresses, at connect time, for every connection.
//!
//! The tables are IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates, read 2026-11) plus
//! the addresses at which clouds serve credentials to whoever asks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Special ranges are refused unless `allow` lists them. The default allows none of them, loopback included.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    /// Ranges that the operator opens (`egress.allow`). A metadata address is opened only by an entry for that one
    /// address: a wide private range does not include it.
    pub allow: Vec<IpNet>,
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unspecified,
    Loopback,
    Private,
    SharedCarrier,
    LinkLocal,
    Metadata,
    Multicast,
    Documentation,
    Benchmark,
    Reserved,
    /// An IPv6 form that carries a refused IPv4 address, or may carry any.
    Embedded,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Unspecified => "an unspecified address",
            Refused::Loopback => "a loopback address",
            Refused::Private => "a private address",
            Refused::SharedCarrier => "a carrier's shared address (100.64.0.0/10)",
            Refused::LinkLocal => "a link-local address",
            Refused::Metadata => "a cloud's metadata address",
            Refused::Multicast => "a multicast address",
            Refused::Documentation => "an address for documentation",
            Refused::Benchmark => "an address for benchmarks",
            Refused::Reserved => "a reserved address",
            Refused::Embedded => "an IPv6 form of a refused IPv4 address",
        })
    }
}

/// A text that is neither an address nor a range. The operator's to repair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address range: write `10.0.0.0/8`, `fd00::/8` or a single address")]
pub struct NotARange {
    pub text: String,
}

impl EgressPolicy {
    /// Reads the ranges of `egress.allow`. A single address is a range of one.
    pub fn parse<'t>(ranges: impl IntoIterator<Item = &'t str>) -> Result<EgressPolicy, NotARange> {
        let one = |text: &str| {
            let range = text.parse::<IpNet>();
            range.or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        };
        let allow = ranges.into_iter().map(|text| {
            one(text.trim()).map_err(|_| NotARange {
                text: text.to_owned(),
            })
        });
        Ok(EgressPolicy {
            allow: allow.collect::<Result<_, _>>()?,
        })
    }

    /// Says whether `address` may be connected to.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        let address = unmapped(address);
        let Some(reason) = special(address) else {
            return Ok(());
        };
        let opens = |net: &IpNet| match reason {
            Refused::Metadata => net.prefix_len() == net.max_prefix_len() && net.addr() == address,
            _ => net.contains(&address),
        };
        if self.allow.iter().any(opens) {
            Ok(())
        } else {
            Err(reason)
        }
    }
}

/// `::ffff:a.b.c.d` connects to a.b.c.d, so it is judged as that address.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn special(address: IpAddr) -> Option<Refused> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

/// AWS, Azure, GCP and others; AWS's containers; Azure's wire server; Alibaba; Oracle.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// AWS over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

const SPECIAL_V4: [(Ipv4Addr, u32, Refused); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, Refused::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Refused::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Refused::SharedCarrier),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Refused::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Refused::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Refused::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Refused::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Refused::Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Refused::Reserved), // relays of 6to4
    (Ipv4Addr::new(192, 168, 0, 0), 16, Refused::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Refused::Benchmark),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Refused::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Refused::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Refused::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Refused::Reserved), // broadcast included
];

fn special_v4(address: Ipv4Addr) -> Option<Refused> {
    if METADATA_V4.contains(&address) {
        return Some(Refused::Metadata);
    }
    let within = |net: Ipv4Addr, bits: u32| (address.to_bits() ^ net.to_bits()) >> (32 - bits) == 0;
    SPECIAL_V4
        .iter()
        .find(|(net, bits, _)| within(*net, *bits))
        .map(|(_, _, reason)| *reason)
}

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

const SPECIAL_V6: [(Ipv6Addr, u32, Refused); 15] = [
    (Ipv6Addr::UNSPECIFIED, 128, Refused::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Refused::Loopback),
    (Ipv6Addr::UNSPECIFIED, 96, Refused::Embedded), // IPv4-compatible: deprecated, never routed
    (
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0),
        96,
        Refused::Embedded,
    ), // IPv4-translated
    (v6(0x64, 0xff9b, 1), 48, Refused::Embedded),   // a site's own NAT64: may lead anywhere inside
    (v6(0x100, 0, 0), 64, Refused::Reserved),       // discard
    (v6(0x2001, 2, 0), 48, Refused::Benchmark),
    (v6(0x2001, 0x10, 0), 28, Refused::Reserved), // ORCHID, and version 2 below
    (v6(0x2001, 0x20, 0), 28, Refused::Reserved),
    (v6(0x2001, 0xdb8, 0), 32, Refused::Documentation),
    (v6(0x3fff, 0, 0), 20, Refused::Documentation),
    (v6(0xfc00, 0, 0), 7, Refused::Private),
    (v6(0xfe80, 0, 0), 10, Refused::LinkLocal),
    (v6(0xfec0, 0, 0), 10, Refused::Private), // site-local: deprecated, still routed in places
    (v6(0xff00, 0, 0), 8, Refused::Multicast),
];

fn special_v6(address: Ipv6Addr) -> Option<Refused> {
    if address == METADATA_V6 {
        return Some(Refused::Metadata);
    }
    let within =
        |net: Ipv6Addr, bits: u32| (address.to_bits() ^ net.to_bits()) >> (128 - bits) == 0;
    if let Some((_, _, reason)) = SPECIAL_V6.iter().find(|(net, bits, _)| within(*net, *bits)) {
        return Some(*reason);
    }
    let carries_special = embedded_v4(address)
        .into_iter()
        .flatten()
        .any(|v4| special_v4(v4).is_some());
    carries_special.then_some(Refused::Embedded)
}

/// The IPv4 addresses that a tunnel or translator would reach: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo's server and
/// client (RFC 4380), and ISATAP (RFC 5214) within any prefix.
fn embedded_v4(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let s = address.segments();
    let v4 =
        |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => [v4(high, low), None],
        [0x2002, high, low, ..] => [v4(high, low), None],
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            [v4(server_high, server_low), v4(!high, !low)]
        }
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => [v4(high, low), None],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(allow: &[&str], address: &str) -> Result<(), Refused> {
        let policy = EgressPolicy::parse(allow.iter().copied()).unwrap();
        policy.judge(address.parse().unwrap())
    }

    #[test]
    fn every_special_range_is_refused_from_its_first_to_its_last_address() {
        let table: [(&str, &str, Refused); 30] = [
            ("0.0.0.0", "0.255.255.255", Refused::Unspecified),
            ("10.0.0.0", "10.255.255.255", Refused::Private),
            ("100.64.0.0", "100.127.255.255", Refused::SharedCarrier),
            ("127.0.0.0", "127.255.255.255", Refused::Loopback),
            ("169.254.0.0", "169.254.255.255", Refused::LinkLocal),
            ("172.16.0.0", "172.31.255.255", Refused::Private),
            ("192.0.0.0", "192.0.0.255", Refused::Reserved),
            ("192.0.2.0", "192.0.2.255", Refused::Documentation),
            ("192.88.99.0", "192.88.99.255", Refused::Reserved),
            ("192.168.0.0", "192.168.255.255", Refused::Private),
            ("198.18.0.0", "198.19.255.255", Refused::Benchmark),
            ("198.51.100.0", "198.51.100.255", Refused::Documentation),
            ("203.0.113.0", "203.0.113.255", Refused::Documentation),
            ("224.0.0.0", "239.255.255.255", Refused::Multicast),
            ("240.0.0.0", "255.255.255.255", Refused::Reserved),
            ("::", "::", Refused::Unspecified),
            ("::1", "::1", Refused::Loopback),
            ("::2", "::ffff:ffff", Refused::Embedded),
            ("::ffff:0:0:0", "::ffff:0:ffff:ffff", Refused::Embedded),
            (
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                Refused::Embedded,
            ),
            ("100::", "100::ffff:ffff:ffff:ffff", Refused::Reserved),
            (
                "2001:2::",
                "2001:2:0:ffff:ffff:ffff:ffff:ffff",
                Refused::Benchmark,
            ),
            (
                "2001:10::",
                "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Reserved,
            ),
            (
                "2001:20::",
                "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Reserved,
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Documentation,
            ),
            (
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Documentation,
            ),
            (
                "fc00::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Private,
            ),
            (
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::LinkLocal,
            ),
            (
                "fec0::",
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Private,
            ),
            (
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Refused::Multicast,
            ),
        ];
        for (first, last, reason) in table {
            assert_eq!(judged(&[], first), Err(reason), "{first}");
            assert_eq!(judged(&[], last), Err(reason), "{last}");
        }
    }

    #[test]
    fn neighbours_of_the_ranges_and_ordinary_addresses_are_allowed() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "2606:4700::1111",
            "2a00:1450:4001:800::200e",
            "2001:4860:4860::8888",
            "fbff::1",
            "64:ff9b:2::1",
        ] {
            assert_eq!(judged(&[], address), Ok(()), "{address}");
        }
    }

    #[test]
    fn metadata_addresses_are_opened_only_one_by_one() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
        ] {
            assert_eq!(
                judged(&["0.0.0.0/0", "::/0"], address),
                Err(Refused::Metadata),
                "{address}"
            );
        }
        assert_eq!(judged(&["169.254.169.254/32"], "169.254.169.254"), Ok(()));
        assert_eq!(judged(&["fd00:ec2::254/128"], "fd00:ec2::254"), Ok(()));
    }

    #[test]
    fn ipv6_forms_that_carry_a_refused_ipv4_address_are_refused() {
        let table = [
            ("::ffff:127.0.0.1", Err(Refused::Loopback)),
            ("::ffff:10.0.0.1", Err(Refused::Private)),
            ("::ffff:8.8.8.8", Ok(())),
            ("::127.0.0.1", Err(Refused::Embedded)),
            ("::8.8.8.8", Err(Refused::Embedded)),
            ("64:ff9b::10.0.0.1", Err(Refused::Embedded)),
            ("64:ff9b::169.254.169.254", Err(Refused::Embedded)),
            ("64:ff9b::8.8.8.8", Ok(())),
            ("2002:7f00:1::1", Err(Refused::Embedded)),
            ("2002:a9fe:a9fe::1", Err(Refused::Embedded)),
            ("2002:808:808::1", Ok(())),
            // Teredo: server 8.8.8.8; clients 127.0.0.1 and 8.8.4.4, inverted. Then a server inside.
            ("2001:0:808:808::80ff:fffe", Err(Refused::Embedded)),
            ("2001:0:808:808::f7f7:fbfb", Ok(())),
            ("2001:0:a00:1::f7f7:fbfb", Err(Refused::Embedded)),
            ("2606:4700::5efe:10.0.0.1", Err(Refused::Embedded)),
            ("2606:4700::200:5efe:192.168.0.1", Err(Refused::Embedded)),
        ];
        for (address, expected) in table {
            assert_eq!(judged(&[], address), expected, "{address}");
        }
    }

    #[test]
    fn ranges_are_read_as_networks_or_single_addresses() {
        let policy = EgressPolicy::parse(["10.0.0.0/8", " fd00::/8", "127.0.0.1", "::1"]).unwrap();
        let shown: Vec<String> = policy.allow.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32", "::1/128"]);
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0.0-10.0.0.9"] {
            let text = bad.to_owned();
            assert_eq!(EgressPolicy::parse([bad]).unwrap_err(), NotARange { text });
        }
    }

    #[test]
    fn the_operator_opens_ranges_and_nothing_beside_them() {
        let allow = ["127.0.0.0/8", "10.1.0.0/16", "fd12::/16"];
        for open in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd12::1"] {
            assert_eq!(judged(&allow, open), Ok(()), "{open}");
        }
        for shut in [
            "10.2.0.1",
            "::1",
            "192.168.0.1",
            "fd13::1",
            "64:ff9b::10.1.2.3",
            "::10.1.2.3",
        ] {
            assert!(judged(&allow, shut).is_err(), "{shut}");
        }
    }
}
