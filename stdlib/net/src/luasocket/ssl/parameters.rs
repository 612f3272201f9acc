//! The parameters of a context, and the configurations of rustls that they become.

use super::cipher;
use crate::sockets::tls::{self, AnyCertificate};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, ClientConfig, DigitallySignedStruct, NamedGroup, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};
use std::sync::Arc;

/// A private key, and the chain of certificates for it.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) key: Option<PrivateKeyDer<'static>>,
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// The parameters of a context.
pub(super) struct Parameters {
    pub(super) is_server: bool,
    pub(super) identity: Identity,
    /// The trusted authorities; the OS's if None.
    pub(super) authorities: Option<Arc<RootCertStore>>,
    /// Whether the peer's certificate is verified.
    pub(super) verifies: bool,
    /// Whether a client must have a certificate.
    pub(super) needs_peer: bool,
    /// Whether the handshake continues with a certificate that is not valid.
    pub(super) continues: bool,
    pub(super) v12: bool,
    pub(super) v13: bool,
    pub(super) ciphers: Option<Vec<CipherSuite>>,
    pub(super) ciphers_v13: Option<Vec<CipherSuite>>,
    pub(super) curves: Option<Vec<NamedGroup>>,
    /// The client's protocols.
    pub(super) protocols: Vec<Vec<u8>>,
}

/// Approximate memory of a trusted authority.
const AUTHORITY_SIZE: usize = 1 << 10;

impl Parameters {
    /// Approximate memory outside the heap.
    pub(super) fn size(&self) -> usize {
        let certificates = self.identity.chain.iter().map(|part| part.len());
        let protocols = self.protocols.iter().map(|name| name.len().saturating_add(32));
        let lists = [
            self.ciphers.as_ref().map_or(0, Vec::len),
            self.ciphers_v13.as_ref().map_or(0, Vec::len),
            self.curves.as_ref().map_or(0, Vec::len),
        ];
        let authorities = self.authorities.as_ref().map_or(0, |store| store.len());
        let counted =
            certificates.chain(protocols).chain(lists.map(|length| length.saturating_mul(4)));
        counted.fold(authorities.saturating_mul(AUTHORITY_SIZE), usize::saturating_add)
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        let key = self.key.as_ref().map(PrivateKeyDer::clone_key);
        Identity { key, chain: self.chain.clone() }
    }
}

impl Clone for Parameters {
    fn clone(&self) -> Self {
        Parameters {
            is_server: self.is_server,
            identity: self.identity.clone(),
            authorities: self.authorities.clone(),
            verifies: self.verifies,
            needs_peer: self.needs_peer,
            continues: self.continues,
            v12: self.v12,
            v13: self.v13,
            ciphers: self.ciphers.clone(),
            ciphers_v13: self.ciphers_v13.clone(),
            curves: self.curves.clone(),
            protocols: self.protocols.clone(),
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            is_server: false,
            identity: Identity::default(),
            authorities: None,
            verifies: false,
            needs_peer: false,
            continues: false,
            v12: true,
            v13: true,
            ciphers: None,
            ciphers_v13: None,
            curves: None,
            protocols: Vec::new(),
        }
    }
}

impl Parameters {
    fn provider(&self) -> Arc<CryptoProvider> {
        if self.ciphers.is_none() && self.ciphers_v13.is_none() && self.curves.is_none() {
            return tls::provider();
        }
        let mut provider = (*tls::provider()).clone();
        let old: Vec<CipherSuite> =
            self.ciphers.clone().unwrap_or_else(|| cipher::all(false).collect());
        let new: Vec<CipherSuite> =
            self.ciphers_v13.clone().unwrap_or_else(|| cipher::all(true).collect());
        provider.cipher_suites.retain(|suite| {
            let suite = suite.suite();
            old.contains(&suite) || new.contains(&suite)
        });
        if let Some(curves) = &self.curves {
            provider.kx_groups.retain(|group| curves.contains(&group.name()));
        }
        Arc::new(provider)
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let versions = [(self.v13, &TLS13), (self.v12, &TLS12)];
        versions.into_iter().filter(|(is_on, _)| *is_on).map(|(_, version)| version).collect()
    }

    /// The trusted authorities. It may read files.
    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        self.authorities.clone().unwrap_or_else(tls::system_roots)
    }

    /// The configuration of a client. It may read files and must not run on the Lua thread.
    pub(super) fn client(&self, has_name: bool) -> Result<ClientConfig, String> {
        let provider = self.provider();
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&self.versions());
        let builder = builder.map_err(|error| error.to_string())?;
        let verifier: Arc<dyn ServerCertVerifier> = if self.verifies && !self.continues {
            Arc::new(Chain { roots: self.roots(), has_name, provider })
        } else {
            Arc::new(AnyCertificate(provider))
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let Identity { key, chain } = self.identity.clone();
        let mut config = match key {
            Some(key) => builder.with_client_auth_cert(chain, key),
            None => Ok(builder.with_no_client_auth()),
        }
        .map_err(|error| error.to_string())?;
        config.alpn_protocols = self.protocols.clone();
        Ok(config)
    }

    /// The configuration of a server that has chosen among the client's protocols.
    pub(super) fn server(&self, protocols: Vec<Vec<u8>>) -> Result<ServerConfig, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let provider = self.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&self.versions());
        let builder = builder.map_err(|error| text(&error))?;
        let builder = if self.verifies {
            let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider);
            let verifier =
                if self.needs_peer { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| text(&error))?)
        } else {
            builder.with_no_client_auth()
        };
        let Identity { key, chain } = self.identity.clone();
        let key = key.ok_or("no private key")?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| text(&error))?;
        config.alpn_protocols = protocols;
        Ok(config)
    }

    /// Verifies a peer's chain, whatever the handshake has done. The error is the reason.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), String> {
        let Some((first, rest)) = chain.split_first() else { return Ok(()) };
        let provider = self.provider();
        let chain = Chain { roots: self.roots(), has_name: false, provider };
        chain.verify(first, rest, UnixTime::now()).map(drop).map_err(|error| reason(&error))
    }
}

/// The message of an error of TLS.
pub(super) fn reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            let detail = tls::reason(error).map_or_else(|| error.to_string(), str::to_string);
            format!("certificate verify failed ({detail})")
        }
        _ => tls::reason(error).map_or_else(|| error.to_string(), str::to_string),
    }
}

/// Verifies the chain of a server, and its name if the program has said it by `sni`.
#[derive(Debug)]
struct Chain {
    roots: Arc<RootCertStore>,
    has_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Chain {
    fn verify<'a>(
        &self,
        first: &'a CertificateDer<'a>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ParsedCertificate<'a>, rustls::Error> {
        let parsed = ParsedCertificate::try_from(first)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, rest, now, algorithms)?;
        Ok(parsed)
    }
}

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = self.verify(first, rest, now)?;
        if self.has_name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        AnyCertificate(self.provider.clone()).verify_tls12_signature(
            message,
            certificate,
            signature,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        AnyCertificate(self.provider.clone()).verify_tls13_signature(
            message,
            certificate,
            signature,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
