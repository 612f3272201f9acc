//! TLS certificates: which authorities clients trust, and the identity of servers.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use solvm_files::read_bounded;
use solvm_runtime::host::{FileSystem, path_of};
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The trust configuration of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Trust {
    /// The PEM file with the only trusted authorities; the OS's if None.
    pub(crate) ca_file: Option<Vec<u8>>,
    /// Whether any certificate is accepted.
    pub(crate) insecure: bool,
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// Creates the TLS configuration of a client, with ALPN protocols. It reads files and must not run
/// on the Lua thread.
pub(crate) fn client_config(
    files: &dyn FileSystem,
    trust: &Trust,
    protocols: &[&[u8]],
) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mut config = if trust.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
            .with_no_client_auth()
    } else {
        let roots = match &trust.ca_file {
            Some(path) => Arc::new(roots_in(files, &path_of(path))?),
            None => system_roots(),
        };
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// Returns the OS's authorities; if there are none, those of browsers.
pub(crate) fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    };
    ROOTS.get_or_init(load).clone()
}

fn roots_in(files: &dyn FileSystem, path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_in(files, path)? {
        roots.add(certificate).map_err(|error| in_file(path, error))?;
    }
    Ok(roots)
}

fn in_file(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}

/// Maximum size of a file with certificates or keys: a complete system store is ten times smaller.
const MAX_SIZE: u64 = 4 << 20;

pub(crate) fn read(files: &dyn FileSystem, path: &Path) -> io::Result<Vec<u8>> {
    let contents = read_bounded(files, path, MAX_SIZE);
    contents.map_err(|error| in_file(path, solvm_runtime::system_error::reason(&error)))
}

pub(crate) fn certificates_in(
    files: &dyn FileSystem,
    path: &Path,
) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = read(files, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(in_file(path, "no PEM certificate found"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(in_file(path, error)),
    }
}

/// Creates the TLS configuration of a server with the certificate chain and the key in these PEM
/// files, with ALPN protocols. It reads files.
pub(crate) fn server_config(
    files: &dyn FileSystem,
    certificate: &[u8],
    key: &[u8],
    protocols: &[&[u8]],
) -> io::Result<ServerConfig> {
    let (certificate, key) = (path_of(certificate), path_of(key));
    let chain = certificates_in(files, &certificate)?;
    let private_key = PrivateKeyDer::from_pem_slice(&read(files, &key)?);
    let private_key = private_key.map_err(|_| in_file(&key, "no PEM private key found"))?;
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = builder.with_no_client_auth().with_single_cert(chain, private_key);
    let mut config = config.map_err(|error| in_file(&key, error))?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// Accepts any certificate, for the option `insecure`. Signatures are still checked, so that the
/// peer has the key for its certificate.
#[derive(Debug)]
pub(crate) struct AnyCertificate(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns a message for errors whose text in the crate requires knowledge of TLS.
pub(crate) fn reason(error: &rustls::Error) -> Option<&'static str> {
    use rustls::{CertificateError as Certificate, Error};
    Some(match error {
        Error::InvalidMessage(_) => "peer does not speak TLS",
        Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            "certificate signed by an unknown authority"
        }
        Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "the certificate has expired"
        }
        Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "certificate is not valid for this host",
        _ => return None,
    })
}
