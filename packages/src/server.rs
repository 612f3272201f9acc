//! The servers that rocks come from, as if they were one: the first that has a version is asked.

use crate::address::{Address, Fetcher, MAX_SIZE};
use crate::archive::{Files, unzip_single};
use crate::digest::sha256;
use crate::evaluate::MAX_CODE;
use crate::inner_path::InnerPath;
use crate::manifest::{Form, Manifest};
use crate::rockspec::Rockspec;
use crate::source;
use crate::version::Version;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// Maximum size of a manifest; that of luarocks.org has about 5 MiB.
const MAX_MANIFEST: usize = 128 << 20;

/// The names that a manifest may have, in the order in which they are asked for.
const MANIFESTS: [&str; 4] = ["manifest-5.1.zip", "manifest-5.1", "manifest.zip", "manifest"];

/// The server that is asked if a project names none.
pub(crate) const DEFAULT: &str = "https://luarocks.org";

/// A server.
struct Server {
    address: Address,
    manifest: OnceCell<Manifest>,
}

/// A file, and its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its address.
    pub(crate) address: Address,
    /// Its SHA-256.
    pub(crate) sha256: String,
}

/// A version of a rock that can be installed.
pub(crate) struct Offer {
    /// The rockspec.
    pub(crate) rockspec: Rockspec,
    /// Where the rockspec is from, if it is a file of its own.
    pub(crate) rockspec_origin: Option<Origin>,
    /// The address of the sources or of the rock.
    pub(crate) source: Address,
    /// The rock, if its rockspec was in it.
    rock: Option<Vec<u8>>,
}

impl Offer {
    /// Fetches the sources. Returns their checksum with them.
    ///
    /// # Errors
    /// The message.
    pub(crate) fn fetch(&self, fetcher: &Fetcher) -> Result<(Vec<u8>, String), String> {
        let bytes = match &self.rock {
            Some(rock) => rock.clone(),
            None => fetcher.need(&self.source, MAX_SIZE)?,
        };
        let sha256 = sha256(&bytes);
        Ok((bytes, sha256))
    }
}

/// All servers of a project.
pub(crate) struct Servers<'a> {
    servers: Vec<Server>,
    fetcher: &'a Fetcher,
    /// What has been read, by name and version.
    offers: RefCell<HashMap<(String, String), Rc<Offer>>>,
}

/// The address of a version on a server, and the forms in which it is there.
struct Place {
    server: Address,
    forms: Vec<Form>,
}

impl<'a> Servers<'a> {
    /// The servers with these addresses.
    pub(crate) fn new(addresses: Vec<Address>, fetcher: &'a Fetcher) -> Servers<'a> {
        let server = |address| Server { address, manifest: OnceCell::new() };
        let servers = addresses.into_iter().map(server).collect();
        Servers { servers, fetcher, offers: RefCell::default() }
    }

    /// The versions of a rock.
    ///
    /// # Errors
    /// The message, if a server cannot be asked.
    pub(crate) fn versions(&self, name: &str) -> Result<Vec<Version>, String> {
        let mut all: Vec<Version> = Vec::new();
        for server in &self.servers {
            let versions = self.manifest_of(server)?.versions(name);
            all.extend(versions.into_iter().map(|(version, _)| version));
        }
        Ok(all)
    }

    /// A version of a rock, with its rockspec.
    ///
    /// # Errors
    /// The message, if it cannot be fetched or installed.
    pub(crate) fn offer(&self, name: &str, version: &Version) -> Result<Rc<Offer>, String> {
        let key = (name.to_string(), version.to_string());
        if let Some(offer) = self.offers.borrow().get(&key) {
            return Ok(offer.clone());
        }
        let place = self.place_of(name, version)?;
        let offer = Rc::new(self.read_offer(name, version, &place)?);
        self.offers.borrow_mut().insert(key, offer.clone());
        Ok(offer)
    }

    fn place_of(&self, name: &str, version: &Version) -> Result<Place, String> {
        for server in &self.servers {
            let versions = self.manifest_of(server)?.versions(name);
            let found =
                versions.into_iter().find(|(own, _)| own.to_string() == version.to_string());
            if let Some((_, forms)) = found {
                return Ok(Place { server: server.address.clone(), forms });
            }
        }
        Err(format!("no server has {name} {version}"))
    }

    fn manifest_of<'s>(&self, server: &'s Server) -> Result<&'s Manifest, String> {
        if let Some(manifest) = server.manifest.get() {
            return Ok(manifest);
        }
        for name in MANIFESTS {
            let address = server.address.join(name);
            let Some(text) = self.fetcher.get(&address, MAX_MANIFEST)? else { continue };
            let text = if name.ends_with(".zip") { unzip_single(&text) } else { Ok(text) };
            let manifest = text.and_then(|text| Manifest::parse(&text));
            let manifest = manifest.map_err(|why| format!("cannot read {address}: {why}"))?;
            return Ok(server.manifest.get_or_init(|| manifest));
        }
        Err(format!("{} is not a server of rocks: it has no manifest", server.address))
    }

    fn read_offer(&self, name: &str, version: &Version, place: &Place) -> Result<Offer, String> {
        let file = |ending: &str| place.server.join(&format!("{name}-{version}.{ending}"));
        let rock = match place.forms.first() {
            Some(Form::Source) => Some(file("src.rock")),
            Some(Form::Installed) => Some(file("all.rock")),
            _ => None,
        };
        if !place.forms.contains(&Form::Rockspec)
            && let Some(source) = rock
        {
            let bytes = self.fetcher.need(&source, MAX_SIZE)?;
            let rockspec = rockspec_in(&bytes, name, version)
                .map_err(|why| format!("cannot read {source}: {why}"))?;
            let rockspec = Rockspec::read(&rockspec, name, version)?;
            return Ok(Offer { rockspec, rockspec_origin: None, source, rock: Some(bytes) });
        }
        let address = file("rockspec");
        let code = self.fetcher.need(&address, MAX_CODE)?;
        let rockspec = Rockspec::read(&code, name, version)?;
        let source = match rock {
            Some(rock) => rock,
            None => source::address_of(&rockspec, &place.server)?,
        };
        let rockspec_origin = Some(Origin { address, sha256: sha256(&code) });
        Ok(Offer { rockspec, rockspec_origin, source, rock: None })
    }
}

/// The rockspec in a rock.
///
/// # Errors
/// The message, if there is none.
pub(crate) fn rockspec_in(rock: &[u8], name: &str, version: &Version) -> Result<Vec<u8>, String> {
    let mut files = Files::unpack(rock)?;
    let path = InnerPath::check(&format!("{name}-{version}.rockspec"))?;
    files.take(&path).ok_or_else(|| format!("it has no file '{path}'"))
}
