//! A request for its handler: the table `req`.

use super::connection::IncomingRequest;
use super::route::{Pattern, segments};
use crate::headers;
use percent_encoding::percent_decode;
use solvm_data::tags;
use solvm_vm::{Call, Error, Table, Value};
use std::borrow::Cow;

/// Returns the table of a request. `pattern` is the one that its path matches.
pub(super) fn to_table<'c>(
    call: &mut Call<'c>,
    incoming: &IncomingRequest,
    pattern: Option<&Pattern>,
) -> Result<Table<'c>, Error> {
    let (head, uri) = (&incoming.head, &incoming.head.uri);
    let request = call.table(0, 8)?;
    request.set_field(call, "method", head.method.as_str())?;
    request.set_field(call, "path", &*Cow::from(percent_decode(uri.path().as_bytes())))?;
    request.set_field(call, "query", uri.query().unwrap_or_default())?;
    let query = query_parameters(call, uri.query().unwrap_or_default().as_bytes())?;
    request.set_field(call, "query_params", query)?;
    let headers = headers::to_table(call, &head.headers)?;
    request.set_field(call, "headers", headers)?;
    let parameters = parameters(call, uri.path(), pattern)?;
    request.set_field(call, "params", parameters)?;
    request.set_field(call, "body", &incoming.body.bytes[..])?;
    request.set_field(call, "remote_addr", &*incoming.remote)?;
    Ok(request)
}

/// Returns a table that formats such as JSON treat as a map, even if it is empty or has numeric
/// keys.
fn map<'c>(call: &mut Call<'c>, array: usize, fields: usize) -> Result<Table<'c>, Error> {
    let table = call.table(array, fields)?;
    tags::tag_as_map(call, table)?;
    Ok(table)
}

/// Returns the values of a pattern's parameters, by number and by name.
fn parameters<'c>(
    call: &mut Call<'c>,
    path: &str,
    pattern: Option<&Pattern>,
) -> Result<Table<'c>, Error> {
    let Some(pattern) = pattern.filter(|pattern| pattern.has_parameters()) else {
        return map(call, 0, 0);
    };
    let path = segments(path);
    let parameters = pattern.parameters(&path);
    let table = map(call, parameters.len(), parameters.len())?;
    for (place, (name, value)) in (1..).zip(parameters) {
        let (name, value) = (call.string(name)?.value(), call.string(&value)?.value());
        table.set(call, name, value)?;
        table.set_index(call, place, value)?;
    }
    Ok(table)
}

/// Returns the parameters of the query by name; of duplicate names the first value.
fn query_parameters<'c>(call: &mut Call<'c>, query: &[u8]) -> Result<Table<'c>, Error> {
    let table = map(call, 0, 0)?;
    for pair in query.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (name, value) = (form_value(call, name)?, form_value(call, value)?);
        if table.get(name).is_nil() {
            table.set(call, name, value)?;
        }
    }
    Ok(table)
}

/// Decodes a name or value of a form, where `+` is a space.
fn form_value<'c>(call: &mut Call<'c>, text: &[u8]) -> Result<Value<'c>, Error> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    Ok(call.string(&Cow::from(percent_decode(&spaced)))?.value())
}
