//! Modules and archives from the network, and their cache.

use super::{MAX_SIZE, lock};
use reqwest::Url;
use solvm_net::http::client;
use solvm_runtime::Host;
use solvm_runtime::executor::Executor;
use solvm_vm::native::asynchronous::Lua;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Time limit for fetching a module.
const LIMIT: Duration = Duration::from_secs(10);
/// Maximum size of the cache.
const MAX_KEPT: usize = 64 << 20;

/// The cache by URL: nothing is fetched twice, even if the script is reloaded.
#[derive(Clone, Default)]
pub(crate) struct Fetched(Rc<RefCell<HashMap<String, Rc<Vec<u8>>>>>);

impl Fetched {
    fn get(&self, url: &Url) -> Option<Rc<Vec<u8>>> {
        self.0.borrow().get(url.as_str()).cloned()
    }

    fn keep(&self, url: &Url, text: Rc<Vec<u8>>) {
        let mut texts = self.0.borrow_mut();
        let kept: usize = texts.values().map(|text| text.len()).sum();
        if usize::saturating_add(kept, text.len()) <= MAX_KEPT {
            texts.insert(url.to_string(), text);
        }
    }
}

/// Fetches a URL. None if it does not exist. The error is a message with the URL.
pub(super) async fn fetch(lua: &Lua, url: &Url) -> Result<Option<Rc<Vec<u8>>>, String> {
    let host = lua.with(|call| {
        call.host::<Host>()
            .map(|host| (host.state::<Fetched>().clone(), host.deadline.pause_timeout()))
    });
    let Some((fetched, _pause)) = host else {
        return Err("network access is not available".into());
    };
    if let Some(text) = fetched.get(url) {
        return Ok(Some(text));
    }
    let locked = lock::find(lua, url).await?;
    if let Some(locked) = &locked {
        // Locked contents need no network, but the permission as ever.
        lua.with(|call| client::may_import(call, url))
            .map_err(|reason| format!("cannot fetch {url}: {reason}"))?;
        if let Some(text) = locked.stored(lua).await.map(Rc::new) {
            fetched.keep(url, text.clone());
            return Ok(Some(text));
        }
    }
    let text = client::fetch(lua, url.as_str(), MAX_SIZE as usize, LIMIT).await;
    let text = text.map_err(|reason| format!("cannot fetch {url}: {reason}"))?;
    let Some(mut text) = text else { return Ok(None) };
    if let Some(locked) = &locked {
        text = locked.check(url, text).await?;
    }
    let text = Rc::new(text);
    fetched.keep(url, text.clone());
    Ok(Some(text))
}

/// Takes over the cache of a program that ran before in the same process.
pub fn inherit(executor: &mut Executor, other: &mut Executor) {
    let fetched =
        other.enter(|call| call.host::<Host>().map(|host| host.state::<Fetched>().clone()));
    executor.enter(|call| {
        if let (Some(host), Some(fetched)) = (call.host::<Host>(), fetched) {
            *host.state() = fetched;
        }
    });
}
