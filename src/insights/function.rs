//! The functions of the language.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::value::Value;

/// A function of values. Conditions are told by [`Signature::result`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    IsPresent,
    IsEmpty,
    IsBlank,
    Coalesce,
    Concat,
    Strlen,
    ToLower,
    ToUpper,
    Trim,
    Ltrim,
    Rtrim,
    Substr,
    Replace,
    StrContains,
    Abs,
    Ceil,
    Floor,
    Greatest,
    Least,
    Log,
    Sqrt,
    Bin,
    DateFloor,
    DateCeil,
    FromMillis,
    ToMillis,
    Now,
    IsValidIp,
    IsValidIpv4,
    IsValidIpv6,
    IsIpInSubnet,
    IsIpv4InSubnet,
    IsIpv6InSubnet,
}

/// What is known of a value before any row is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// True or false; not a value.
    Condition,
    Text,
    Number,
    Time,
    /// Whatever the log holds.
    Any,
}

/// How a function is called.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// Fewest and most arguments.
    pub(super) arity: (usize, usize),
    pub(super) result: Kind,
}

const fn signature(
    name: &'static str,
    function: Function,
    least: usize,
    most: usize,
    result: Kind,
) -> Signature {
    Signature {
        name,
        function,
        arity: (least, most),
        result,
    }
}

const MANY: usize = 32;

/// Names as AWS documents them; looked up in any case.
pub(super) const SIGNATURES: [Signature; 33] = [
    signature("ispresent", Function::IsPresent, 1, 1, Kind::Condition),
    signature("isempty", Function::IsEmpty, 1, 1, Kind::Number),
    signature("isblank", Function::IsBlank, 1, 1, Kind::Number),
    signature("coalesce", Function::Coalesce, 1, MANY, Kind::Any),
    signature("concat", Function::Concat, 1, MANY, Kind::Text),
    signature("strlen", Function::Strlen, 1, 1, Kind::Number),
    signature("tolower", Function::ToLower, 1, 1, Kind::Text),
    signature("toupper", Function::ToUpper, 1, 1, Kind::Text),
    signature("trim", Function::Trim, 1, 2, Kind::Text),
    signature("ltrim", Function::Ltrim, 1, 2, Kind::Text),
    signature("rtrim", Function::Rtrim, 1, 2, Kind::Text),
    signature("substr", Function::Substr, 2, 3, Kind::Text),
    signature("replace", Function::Replace, 3, 3, Kind::Text),
    signature("strcontains", Function::StrContains, 2, 2, Kind::Number),
    signature("abs", Function::Abs, 1, 1, Kind::Number),
    signature("ceil", Function::Ceil, 1, 1, Kind::Number),
    signature("floor", Function::Floor, 1, 1, Kind::Number),
    signature("greatest", Function::Greatest, 1, MANY, Kind::Number),
    signature("least", Function::Least, 1, MANY, Kind::Number),
    signature("log", Function::Log, 1, 1, Kind::Number),
    signature("sqrt", Function::Sqrt, 1, 1, Kind::Number),
    signature("bin", Function::Bin, 1, 1, Kind::Time),
    signature("datefloor", Function::DateFloor, 2, 2, Kind::Time),
    signature("dateceil", Function::DateCeil, 2, 2, Kind::Time),
    signature("fromMillis", Function::FromMillis, 1, 1, Kind::Time),
    signature("toMillis", Function::ToMillis, 1, 1, Kind::Number),
    signature("now", Function::Now, 0, 0, Kind::Number),
    signature("isValidIp", Function::IsValidIp, 1, 1, Kind::Condition),
    signature("isValidIpv4", Function::IsValidIpv4, 1, 1, Kind::Condition),
    signature("isValidIpv6", Function::IsValidIpv6, 1, 1, Kind::Condition),
    signature(
        "isIpInSubnet",
        Function::IsIpInSubnet,
        2,
        2,
        Kind::Condition,
    ),
    signature(
        "isIpv4InSubnet",
        Function::IsIpv4InSubnet,
        2,
        2,
        Kind::Condition,
    ),
    signature(
        "isIpv6InSubnet",
        Function::IsIpv6InSubnet,
        2,
        2,
        Kind::Condition,
    ),
];

pub(super) fn lookup(name: &str) -> Option<&'static Signature> {
    SIGNATURES
        .iter()
        .find(|signature| signature.name.eq_ignore_ascii_case(name))
}

/// Calls a function that returns a value. `arg` computes an argument, a missing one is null; `now`
/// is in milliseconds. A missing argument makes the result missing, but for the functions that ask
/// for it.
pub(super) fn call<'a>(
    function: Function,
    count: usize,
    arg: impl Fn(usize) -> Value<'a>,
    now: i64,
) -> Value<'a> {
    use Function as F;
    match function {
        F::IsEmpty => flag(arg(0).text().is_none_or(|text| text.is_empty())),
        F::IsBlank => flag(
            arg(0)
                .text()
                .is_none_or(|text| text.trim_ascii().is_empty()),
        ),
        F::Coalesce => (0..count)
            .map(arg)
            .find(|value| !value.is_null())
            .unwrap_or(Value::Null),
        F::Concat => concat(count, arg).map_or(Value::Null, Value::from_text),
        F::Strlen => with_text(arg(0), |text| {
            Value::Number(code_points(text).count() as f64)
        }),
        F::ToLower => mapped(arg(0), str::to_lowercase, <[u8]>::to_ascii_lowercase),
        F::ToUpper => mapped(arg(0), str::to_uppercase, <[u8]>::to_ascii_uppercase),
        F::Trim | F::Ltrim | F::Rtrim => {
            let set = if count > 1 {
                arg(1)
            } else {
                Value::Text(Cow::Borrowed(b" \t\r\n"))
            };
            trim(arg(0), &set, function != F::Rtrim, function != F::Ltrim)
        }
        F::Substr => substr(arg(0), arg(1), (count > 2).then(|| arg(2))),
        F::Replace => replace(arg(0), arg(1), arg(2)),
        F::StrContains => match (arg(0).text(), arg(1).text()) {
            (Some(text), Some(part)) => flag(memchr::memmem::find(&text, &part).is_some()),
            _ => Value::Null,
        },
        F::Abs => numeric(arg(0), f64::abs),
        F::Ceil => numeric(arg(0), f64::ceil),
        F::Floor => numeric(arg(0), f64::floor),
        F::Log => numeric(arg(0), f64::ln),
        F::Sqrt => numeric(arg(0), f64::sqrt),
        F::Greatest => fold(count, arg, f64::max),
        F::Least => fold(count, arg, f64::min),
        F::FromMillis => arg(0)
            .number()
            .map_or(Value::Null, |number| Value::Time(number as i64)),
        F::ToMillis => match arg(0) {
            Value::Time(milliseconds) => Value::Number(milliseconds as f64),
            // `@ingestionTime`.
            Value::Number(milliseconds) => Value::Number(milliseconds),
            _ => Value::Null,
        },
        F::Now => Value::Number(now.div_euclid(1_000) as f64),
        // Conditions, and functions of a period: computed elsewhere.
        _ => Value::Null,
    }
}

/// Calls a function that is true, false or unknown.
pub(super) fn test(function: Function, first: &Value<'_>, second: &Value<'_>) -> Option<bool> {
    use Function as F;
    if function == F::IsPresent {
        return Some(!first.is_null());
    }
    let text = first.text()?;
    let address = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.parse::<IpAddr>().ok());
    match function {
        F::IsValidIp => return Some(address.is_some()),
        F::IsValidIpv4 => return Some(matches!(address, Some(IpAddr::V4(_)))),
        F::IsValidIpv6 => return Some(matches!(address, Some(IpAddr::V6(_)))),
        _ => {}
    }
    let subnet = second.text()?;
    let subnet = std::str::from_utf8(&subnet).ok().and_then(parse_subnet);
    Some(match (address, subnet) {
        (Some(IpAddr::V4(address)), Some((IpAddr::V4(net), bits)))
            if function != F::IsIpv6InSubnet =>
        {
            same_prefix_v4(address, net, bits)
        }
        (Some(IpAddr::V6(address)), Some((IpAddr::V6(net), bits)))
            if function != F::IsIpv4InSubnet =>
        {
            same_prefix_v6(address, net, bits)
        }
        _ => false,
    })
}

/// `10.0.0.0/8` as its address and the number of leading bits.
pub(super) fn parse_subnet(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

fn same_prefix_v4(a: Ipv4Addr, b: Ipv4Addr, bits: u32) -> bool {
    bits == 0 || (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits
}

fn same_prefix_v6(a: Ipv6Addr, b: Ipv6Addr, bits: u32) -> bool {
    bits == 0 || (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits
}

fn flag<'a>(value: bool) -> Value<'a> {
    Value::Number(if value { 1.0 } else { 0.0 })
}

fn with_text<'a>(value: Value<'_>, f: impl FnOnce(&[u8]) -> Value<'a>) -> Value<'a> {
    value.text().map_or(Value::Null, |text| f(&text))
}

fn numeric<'a>(value: Value<'_>, f: impl FnOnce(f64) -> f64) -> Value<'a> {
    value
        .number()
        .map_or(Value::Null, |number| Value::from_number(f(number)))
}

fn fold<'a>(
    count: usize,
    arg: impl Fn(usize) -> Value<'a>,
    f: impl Fn(f64, f64) -> f64,
) -> Value<'a> {
    let mut numbers = (0..count).map(|index| arg(index).number());
    let first = numbers.next().flatten();
    let all = numbers.fold(first, |so_far, next| Some(f(so_far?, next?)));
    all.map_or(Value::Null, Value::from_number)
}

fn concat<'a>(count: usize, arg: impl Fn(usize) -> Value<'a>) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for index in 0..count {
        all.extend_from_slice(&arg(index).text()?);
    }
    Some(all)
}

fn mapped<'a>(
    value: Value<'_>,
    text: impl Fn(&str) -> String,
    bytes: impl Fn(&[u8]) -> Vec<u8>,
) -> Value<'a> {
    with_text(value, |all| {
        Value::from_text(match std::str::from_utf8(all) {
            Ok(valid) => text(valid).into_bytes(),
            Err(_) => bytes(all),
        })
    })
}

/// The byte places at which code points begin; each byte of invalid UTF-8 that is not a
/// continuation begins one.
fn code_points(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    text.iter()
        .enumerate()
        .filter(|(_, byte)| (**byte & 0xC0) != 0x80)
        .map(|(index, _)| index)
}

fn trim<'a>(value: Value<'_>, set: &Value<'_>, start: bool, end: bool) -> Value<'a> {
    let Some(set) = set.text() else {
        return Value::Null;
    };
    let set = String::from_utf8_lossy(&set).into_owned();
    with_text(value, |text| {
        let Ok(mut text) = std::str::from_utf8(text) else {
            // Bytes that are no text: only ASCII characters can be told and trimmed.
            let inside = |byte: &u8| byte.is_ascii() && set.contains(char::from(*byte));
            let from = if start {
                text.iter().take_while(|byte| inside(byte)).count()
            } else {
                0
            };
            let rest = text.get(from..).unwrap_or_default();
            let cut = if end {
                rest.iter().rev().take_while(|byte| inside(byte)).count()
            } else {
                0
            };
            return Value::from_text(rest.get(..rest.len() - cut).unwrap_or_default().to_vec());
        };
        if start {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if end {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        Value::from_text(text.as_bytes().to_vec())
    })
}

fn substr<'a>(value: Value<'_>, from: Value<'_>, length: Option<Value<'_>>) -> Value<'a> {
    let Some(from) = from.number() else {
        return Value::Null;
    };
    let length = match length.map(|length| length.number()) {
        Some(None) => return Value::Null,
        Some(Some(length)) => length as usize,
        None => usize::MAX,
    };
    with_text(value, |text| {
        let mut starts = code_points(text).skip(from as usize);
        let Some(start) = starts.next() else {
            return Value::from_text(Vec::new());
        };
        let end = match length {
            0 => start,
            length => starts.nth(length - 1).unwrap_or(text.len()),
        };
        Value::from_text(text.get(start..end).unwrap_or_default().to_vec())
    })
}

fn replace<'a>(value: Value<'_>, find: Value<'_>, with: Value<'_>) -> Value<'a> {
    let (Some(find), Some(with)) = (find.text(), with.text()) else {
        return Value::Null;
    };
    with_text(value, |text| {
        if find.is_empty() {
            return Value::from_text(text.to_vec());
        }
        let mut all = Vec::with_capacity(text.len());
        let mut at = 0;
        for found in memchr::memmem::find_iter(text, find.as_ref()) {
            all.extend_from_slice(text.get(at..found).unwrap_or_default());
            all.extend_from_slice(&with);
            at = found + find.len();
        }
        all.extend_from_slice(text.get(at..).unwrap_or_default());
        Value::from_text(all)
    })
}

/// The start of the period that `milliseconds` lies in, counted from 1970.
pub(super) fn floor(milliseconds: i64, step: i64) -> i64 {
    milliseconds - milliseconds.rem_euclid(step)
}

/// The first start of a period that is not before `milliseconds`.
pub(super) fn ceil(milliseconds: i64, step: i64) -> i64 {
    let start = floor(milliseconds, step);
    if start == milliseconds {
        start
    } else {
        start.saturating_add(step)
    }
}
