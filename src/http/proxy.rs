//! Which proxy a request goes through, by the variables that curl reads and with the meaning that curl gives them.

use std::net::IpAddr;

use hyper_util::client::proxy::matcher::Matcher;
use ureq::http::Uri;

/// The variables of curl, in its order (curl(1), "ENVIRONMENT").
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Hosts that are asked directly.
const DIRECT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A variable names something that is not a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoProxy(pub(super) &'static str);

/// Whether a host is this machine, whatever a resolver says.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The proxy for an address of https. There is none for this machine: what is sent to a receiver on it would leave it.
pub(super) fn of(
    host: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, NoProxy> {
    if is_loopback(host) {
        return Ok(None);
    }
    let first = |names: &[&'static str]| {
        names
            .iter()
            .find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)))
    };
    let Some((name, proxy)) = first(&PROXIES) else {
        return Ok(None);
    };
    let direct = first(&DIRECT).map_or_else(String::new, |(_, hosts)| listed(&hosts));
    let matcher = Matcher::builder().https(proxy).no(direct).build();
    let address = format!("https://{}/", host.trim_end_matches('.'));
    let address: Uri = address.parse().map_err(|_| NoProxy(name))?;
    let Some(found) = matcher.intercept(&address) else {
        // Either the host is among those that are asked directly, or the proxy is not understood.
        let alone = Matcher::builder().https(variable(name).unwrap_or_default());
        return match alone.build().intercept(&address) {
            Some(_) => Ok(None),
            None => Err(NoProxy(name)),
        };
    };
    match found.uri().scheme_str() {
        Some("http" | "https") => Ok(variable(name).and_then(|proxy| with_scheme(&proxy))),
        _ => Err(NoProxy(name)),
    }
}

/// The proxy as it is written, with the name and password that it may hold; `http` is what curl takes without a scheme.
fn with_scheme(proxy: &str) -> Option<Uri> {
    if proxy.contains("://") {
        proxy.parse().ok()
    } else {
        format!("http://{proxy}").parse().ok()
    }
}

/// curl parts the hosts by commas and blanks, ignores a dot at the end, and takes `*` for every host where it stands alone.
fn listed(hosts: &str) -> String {
    if hosts.trim() == "*" {
        return "*".to_owned();
    }
    hosts
        .split(|character: char| character == ',' || character.is_whitespace())
        .map(|host| {
            host.trim_start_matches('[')
                .trim_end_matches(']')
                .trim_end_matches('.')
        })
        .filter(|host| !host.is_empty() && *host != "*")
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(host: &str, variables: &[(&str, &str)]) -> Result<Option<String>, NoProxy> {
        let set = |name: &str| {
            let mut all = variables.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        of(host, &set).map(|proxy| proxy.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn this_machine_is_asked_directly() {
        let proxy = [
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("ALL_PROXY", "http://proxy:3128"),
        ];
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.8.9.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(through(host, &proxy), Ok(None), "{host}");
        }
        for host in [
            "example.com",
            "10.0.0.1",
            "[2001:db8::1]",
            "localhost.example.com",
        ] {
            assert!(through(host, &proxy).unwrap().is_some(), "{host}");
        }
    }

    /// Each row was tried with curl 7.88, but for those of IPv6, which later releases read as their manual says.
    #[test]
    fn hosts_that_are_asked_directly_are_those_of_curl() {
        for (list, host, is_direct) in [
            ("*", "example.com", true),
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com", true),
            ("example.com", "www.example.com", true),
            (".example.com", "www.example.com", true),
            (".example.com", "example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com.", "example.com", true),
            ("example.com", "example.com.", true),
            ("a.com, example.com", "example.com", true),
            ("a.com example.com", "example.com", true),
            ("10.0.0.0/8", "10.20.30.40", true),
            ("10.0.0.0/8", "11.20.30.40", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("2001:db8::/32", "[2001:db8::1]", true),
            ("[2001:db8::1]", "[2001:db8::1]", true),
            // A port is not a part of what is listed.
            ("example.com:443", "example.com", false),
            ("*.example.com", "www.example.com", false),
            ("a.com,*", "example.com", false),
            ("", "example.com", false),
        ] {
            let proxy = [("https_proxy", "http://proxy:3128"), ("NO_PROXY", list)];
            let found = through(host, &proxy).unwrap();
            assert_eq!(found.is_none(), is_direct, "{list:?} {host}: {found:?}");
        }
    }

    #[test]
    fn the_variables_are_those_of_curl() {
        let proxy = |variables: &[(&str, &str)]| through("example.com", variables).unwrap();
        assert_eq!(proxy(&[]), None);
        // `HTTP_PROXY` is for addresses of http.
        assert_eq!(
            proxy(&[("HTTP_PROXY", "http://a:1"), ("http_proxy", "http://a:1")]),
            None
        );
        assert_eq!(
            proxy(&[
                ("https_proxy", "http://a:1"),
                ("HTTPS_PROXY", "http://b:1"),
                ("ALL_PROXY", "http://c:1")
            ])
            .as_deref(),
            Some("http://a:1/")
        );
        assert_eq!(
            proxy(&[("HTTPS_PROXY", ""), ("ALL_PROXY", "c:1")]).as_deref(),
            Some("http://c:1/")
        );
        assert_eq!(
            proxy(&[("HTTPS_PROXY", "http://user:word@b:1")]).as_deref(),
            Some("http://user:word@b:1/")
        );
    }

    #[test]
    fn what_is_not_a_proxy_is_told() {
        for wrong in ["socks5://a:1", "http://", "ftp://a", "http://a b"] {
            assert_eq!(
                through("example.com", &[("HTTPS_PROXY", wrong)]),
                Err(NoProxy("HTTPS_PROXY")),
                "{wrong}"
            );
        }
    }
}
