//! `ssl.x509`: certificates, and what they contain.

use crate::luasocket::object::class;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use solvm_runtime::Host;
use solvm_runtime::name::Name;
use solvm_vm::native::{FromLua, Library};
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::UNIX_EPOCH;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode, DecodePem, Encode, EncodePem, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name as DistinguishedName;
use x509_cert::time::Time;

/// The module `ssl.x509`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "ssl.x509" {
    "load" => load,
});

/// The name of the class.
const CLASS: &str = "SSL:Certificate";

static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "digest" => digest,
    "extensions" => extensions,
    "getsignaturename" => signature_name,
    "issuer" => issuer,
    "notafter" => not_after,
    "notbefore" => not_before,
    "pem" => pem,
    "pubkey" => public_key,
    "serial" => serial,
    "setencode" => set_encode,
    "subject" => subject,
    "validat" => is_valid_at,
});

/// The largest certificate that is read.
const MAX_SIZE: usize = 64 << 10;

/// The data of an object.
struct Parsed {
    certificate: Certificate,
    der: Vec<u8>,
}

impl Data for Parsed {
    fn external_size(&self) -> usize {
        // The parts are copies.
        self.der.len().saturating_mul(4)
    }
}

/// An argument that is a certificate.
#[derive(Clone, Copy)]
struct This<'c>(&'c Parsed, Value<'c>);

impl FromLua for This<'_> {
    type Item<'c> = This<'c>;
    const EXPECTED: &'static str = CLASS;

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<This<'c>> {
        let parsed = Userdata::from_value(value)?.get::<Parsed>()?;
        // Every method reads it.
        call.charge_bytes(parsed.der.len());
        Some(This(parsed, value))
    }
}

/// Creates an object. None if it is not a certificate.
pub(super) fn from_der<'c>(call: &mut Call<'c>, der: &[u8]) -> Result<Option<Value<'c>>, Error> {
    let Ok(certificate) = Certificate::from_der(der) else { return Ok(None) };
    new(call, certificate, der.to_vec()).map(Some)
}

fn new<'c>(
    call: &mut Call<'c>,
    certificate: Certificate,
    der: Vec<u8>,
) -> Result<Value<'c>, Error> {
    let metatable = class(call, CLASS, &METHODS)?;
    Ok(call.userdata(Parsed { certificate, der }, Some(metatable)).value())
}

/// `load(pem)`: returns a certificate; nothing if the text is not one.
fn load<'c>(call: &mut Call<'c>, text: Name<'c>) -> Result<Value<'c>, Error> {
    call.charge_bytes(text.bytes().len());
    let parsed = text.bytes().get(..MAX_SIZE).or(Some(text.bytes()));
    let parsed = parsed.and_then(|text| Certificate::from_pem(text).ok());
    let Some((certificate, Ok(der))) =
        parsed.map(|certificate| (certificate.clone(), certificate.to_der()))
    else {
        return Ok(Value::NIL);
    };
    new(call, certificate, der)
}

fn to_string(_: &mut Call, this: This) -> String {
    format!("X509 certificate: {:#x}", this.1.address())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `certificate:digest([algorithm])`
fn digest<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    algorithm: Option<Name<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    let der = &this.0.der[..];
    let digest = match algorithm.map_or(&b"sha1"[..], Name::bytes) {
        b"sha1" => Sha1::digest(der).to_vec(),
        b"sha256" => Sha256::digest(der).to_vec(),
        b"sha512" => Sha512::digest(der).to_vec(),
        other => {
            let other = String::from_utf8_lossy(&solvm_vm::messages::shorten(other)).into_owned();
            let text = format!("digest algorithm not supported ({other})");
            return Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()]);
        }
    };
    Ok(vec![call.string(hexadecimal(&digest).as_bytes())?.value()])
}

/// `certificate:pem()`
fn pem(_: &mut Call, this: This) -> Option<String> {
    this.0.certificate.to_pem(LineEnding::LF).ok()
}

/// `certificate:serial()`: the number in hexadecimal.
fn serial(_: &mut Call, this: This) -> String {
    let bytes = this.0.certificate.tbs_certificate().serial_number().as_bytes();
    let text = hexadecimal(bytes).to_uppercase();
    let short = text.strip_prefix("00").filter(|rest| !rest.is_empty());
    short.unwrap_or(&text).to_string()
}

/// `certificate:setencode(encoding)`: all texts are in UTF-8.
fn set_encode(_: &mut Call, _this: This, encoding: Name) -> bool {
    matches!(encoding.bytes(), b"ai5" | b"utf8")
}

fn seconds(time: &Time) -> u64 {
    time.to_unix_duration().as_secs()
}

/// A time in OpenSSL's form.
fn date(time: &Time) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = time.to_date_time();
    let month = usize::from(time.month()).checked_sub(1).and_then(|month| MONTHS.get(month));
    format!(
        "{} {:>2} {:02}:{:02}:{:02} {} GMT",
        month.copied().unwrap_or_default(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds(),
        time.year()
    )
}

/// `certificate:notbefore()`
fn not_before(_: &mut Call, this: This) -> String {
    date(&this.0.certificate.tbs_certificate().validity().not_before)
}

/// `certificate:notafter()`
fn not_after(_: &mut Call, this: This) -> String {
    date(&this.0.certificate.tbs_certificate().validity().not_after)
}

/// `certificate:validat([seconds])`: whether it is valid at a time.
fn is_valid_at(call: &mut Call, this: This, time: Option<f64>) -> bool {
    let now = call.host::<Host>().map(|host| host.world.wall_clock());
    let now = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let time = time.unwrap_or(now.as_secs_f64());
    let validity = this.0.certificate.tbs_certificate().validity();
    time >= seconds(&validity.not_before) as f64 && time <= seconds(&validity.not_after) as f64
}

/// The text of a value in a name.
fn text_of(value: &x509_cert::der::Any) -> Vec<u8> {
    use x509_cert::der::Tag;
    let text = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().map(|text| text.to_string()),
        Tag::PrintableString => {
            value.decode_as::<PrintableStringRef<'_>>().map(|text| text.to_string())
        }
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().map(|text| text.to_string()),
        _ => return value.value().to_vec(),
    };
    text.map_or_else(|_| value.value().to_vec(), String::into_bytes)
}

/// The usual names of the attributes of a distinguished name.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "commonName"),
    ("2.5.4.4", "surname"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "countryName"),
    ("2.5.4.7", "localityName"),
    ("2.5.4.8", "stateOrProvinceName"),
    ("2.5.4.9", "streetAddress"),
    ("2.5.4.10", "organizationName"),
    ("2.5.4.11", "organizationalUnitName"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "givenName"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("0.9.2342.19200300.100.1.1", "userId"),
    ("0.9.2342.19200300.100.1.25", "domainComponent"),
];

/// A name as a list of tables with `oid`, `name` and `value`.
fn attributes<'c>(call: &mut Call<'c>, name: &DistinguishedName) -> Result<Table<'c>, Error> {
    let list = call.table(0, 0)?;
    let mut place = 0usize;
    for attribute in name.iter() {
        place = place.saturating_add(1);
        let oid = attribute.oid.to_string();
        let known = ATTRIBUTES.iter().find(|(known, _)| *known == oid);
        let entry = call.table(0, 3)?;
        entry.set_field(call, "name", known.map_or(&oid[..], |(_, name)| name))?;
        entry.set_field(call, "oid", &oid[..])?;
        entry.set_field(call, "value", &text_of(&attribute.value)[..])?;
        list.set_index(call, place, entry.value())?;
    }
    Ok(list)
}

/// `certificate:subject()`
fn subject<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Table<'c>, Error> {
    attributes(call, this.0.certificate.tbs_certificate().subject())
}

/// `certificate:issuer()`
fn issuer<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Table<'c>, Error> {
    attributes(call, this.0.certificate.tbs_certificate().issuer())
}

/// `certificate:pubkey()`: the key in PEM, its kind and its size in bits.
fn public_key<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Vec<Value<'c>>, Error> {
    let key = this.0.certificate.tbs_certificate().subject_public_key_info();
    let bits = key.subject_public_key.raw_bytes();
    let curve = key.algorithm.parameters.as_ref().map(|curve| curve.value().to_vec());
    let (kind, size) = match &key.algorithm.oid.to_string()[..] {
        "1.2.840.113549.1.1.1" => ("RSA", rsa_bits(bits)),
        // The curves P-256 and P-384; others by the length of a point.
        "1.2.840.10045.2.1" if curve.is_some() => {
            ("EC", bits.len().saturating_sub(1).saturating_mul(4))
        }
        "1.3.101.112" => ("Unknown", 256),
        _ => ("Unknown", bits.len().saturating_mul(8)),
    };
    let Ok(pem) = key.to_pem(LineEnding::LF) else { return Ok(vec![Value::NIL]) };
    let pem = call.string(pem.as_bytes())?.value();
    let kind = call.string(kind.as_bytes())?.value();
    Ok(vec![pem, kind, Value::number(size as f64)])
}

/// The size of an RSA key, whose modulus is the first integer in a sequence.
fn rsa_bits(key: &[u8]) -> usize {
    use x509_cert::der::asn1::{AnyRef, UintRef};
    let parts = <Vec<AnyRef<'_>>>::from_der(key).unwrap_or_default();
    let modulus = parts.first().and_then(|part| part.decode_as::<UintRef<'_>>().ok());
    modulus.map_or(0, |modulus| {
        let bytes = modulus.as_bytes();
        let zeros = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
        bytes.len().saturating_mul(8).saturating_sub(zeros)
    })
}

/// `certificate:getsignaturename()`: the algorithm of the signature.
fn signature_name(_: &mut Call, this: This) -> String {
    let oid = this.0.certificate.signature_algorithm().oid.to_string();
    let known = match &oid[..] {
        "1.2.840.113549.1.1.5" => "RSA-SHA1",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA-SHA256",
        "1.2.840.113549.1.1.12" => "RSA-SHA384",
        "1.2.840.113549.1.1.13" => "RSA-SHA512",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "ED25519",
        _ => return oid,
    };
    known.into()
}

/// Adds a text to the list of a kind of names.
fn add<'c>(call: &mut Call<'c>, entry: Table<'c>, kind: &str, text: &[u8]) -> Result<(), Error> {
    let key = call.string(kind.as_bytes())?;
    let list = match Table::from_value(entry.get(key)) {
        Some(list) => list,
        None => {
            let list = call.table(1, 0)?;
            entry.set(call, key.value(), list.value())?;
            list
        }
    };
    let text = call.string(text)?.value();
    list.set_index(call, list.length().saturating_add(1), text)
}

/// `certificate:extensions()`: the alternative names of the subject, by their OID.
fn extensions<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Table<'c>, Error> {
    /// The OID of the alternative names.
    const NAMES: &str = "2.5.29.17";
    let all = call.table(0, 1)?;
    let found = this.0.certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let Ok(Some((_, names))) = found else { return Ok(all) };
    let entry = call.table(0, 4)?;
    entry.set_field(call, "name", "X509v3 Subject Alternative Name")?;
    entry.set_field(call, "oid", NAMES)?;
    for name in &names.0 {
        match name {
            GeneralName::DnsName(name) => {
                add(call, entry, "dNSName", name.as_str().as_bytes())?;
            }
            GeneralName::Rfc822Name(name) => {
                add(call, entry, "rfc822Name", name.as_str().as_bytes())?;
            }
            GeneralName::UniformResourceIdentifier(name) => {
                add(call, entry, "uniformResourceIdentifier", name.as_str().as_bytes())?;
            }
            GeneralName::IpAddress(address) => {
                let bytes = address.as_bytes();
                let text = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
                    (Ok(bytes), _) => Ipv4Addr::from(bytes).to_string(),
                    (_, Ok(bytes)) => Ipv6Addr::from(bytes).to_string(),
                    _ => continue,
                };
                add(call, entry, "iPAddress", text.as_bytes())?;
            }
            _ => {}
        }
    }
    all.set_field(call, NAMES, entry)?;
    Ok(all)
}
