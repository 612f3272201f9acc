//! Downloads for the command itself, outside any program: no permission applies.

use crate::sockets::innermost;
use crate::sockets::tls::{self, Trust};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode, Url};
use solvm_runtime::host::disk;
use std::time::Duration;

/// The limit of redirects.
const REDIRECTS: usize = 10;
/// The time limit for connecting, and for each read.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time limit of a download.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Fetches files by HTTP and HTTPS.
pub struct Downloader(Client);

impl Downloader {
    /// Creates a downloader.
    ///
    /// # Errors
    /// The reason, if the trusted certificates cannot be read.
    pub fn new() -> Result<Downloader, String> {
        let config = tls::client_config(&*disk(), &Trust::default(), &[b"h2", b"http/1.1"])
            .map_err(|error| solvm_runtime::system_error::reason(&error))?;
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(Policy::custom(redirect))
            .no_proxy()
            // A checksum is that of the file as the server has it.
            .no_gzip()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .timeout(TIMEOUT)
            .user_agent(concat!("SolVM/", env!("CARGO_PKG_VERSION")));
        client.build().map(Downloader).map_err(|error| innermost(&error))
    }

    /// Fetches a file of at most `limit` bytes. None if it does not exist.
    ///
    /// # Errors
    /// The reason.
    pub async fn get(&self, url: &Url, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let mut response =
            self.0.get(url.clone()).send().await.map_err(|error| innermost(&error))?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        if !response.status().is_success() {
            return Err(format!("server returned {}", response.status()));
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| innermost(&error))? {
            if text.len().saturating_add(chunk.len()) > limit {
                return Err(format!("larger than {} MiB", limit >> 20));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(Some(text))
    }
}

/// Follows a redirect, but not from HTTPS to HTTP: nothing would protect the file.
fn redirect(attempt: Attempt) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("too many redirects");
    }
    let was_secure = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    match was_secure && attempt.url().scheme() != "https" {
        true => attempt.error("redirected from https to http"),
        false => attempt.follow(),
    }
}
