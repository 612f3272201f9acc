//! `glob`: the paths of the files that match a pattern.

use super::{Walk, file_system, path_bytes};
use globset::{GlobBuilder, GlobSet};
use solvm_runtime::host::FileSystem;
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::failure;
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{IntoLua, Results};
use solvm_vm::{Call, Error};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Number of files between two checks of the memory limit.
const BATCH: usize = 4096;

/// Maximum length of a pattern in bytes, that of the longest path. The size of the compiled pattern
/// is proportional.
const MAX_PATTERN: usize = 4096;

/// The characters of a pattern that are not literal.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// A pattern: the directory to search, the depth, and the matcher.
pub struct Pattern {
    directory: PathBuf,
    depth: usize,
    matcher: GlobSet,
    /// Whether it is the path of a single file.
    is_literal: bool,
}

impl Pattern {
    /// Compiles a pattern. The error is the reason.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        if text.len() > MAX_PATTERN {
            return Err(format!("longer than {MAX_PATTERN} bytes"));
        }
        let reason = |error: globset::Error| error.kind().to_string();
        let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(reason)?;
        let matcher = GlobSet::new([glob]).map_err(reason)?;
        let literal = &text[..text.find(SPECIAL).unwrap_or(text.len())];
        let directory = &literal[..literal.rfind('/').map_or(0, |slash| slash + 1)];
        let rest = &text[directory.len()..];
        let depth = if rest.contains("**") { usize::MAX } else { rest.matches('/').count() + 1 };
        // Without the trailing slash, except in "/".
        let directory =
            if directory.len() > 1 { directory.trim_end_matches('/') } else { directory };
        let is_literal = literal.len() == text.len();
        Ok(Pattern { directory: directory.into(), depth, matcher, is_literal })
    }

    /// Returns the files to check. A missing directory has none.
    fn walk(&self, files: Arc<dyn FileSystem>) -> io::Result<Option<Walk>> {
        match Walk::new(files, &self.directory, self.depth) {
            Ok(walk) => Ok(Some(walk)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// `glob(pattern)`: returns the matching paths, sorted.
pub(super) fn glob<'c>(
    call: &mut Call<'c>,
    pattern: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = std::str::from_utf8(pattern.bytes())
        .map_err(|_| Error::argument(1, "pattern is not valid UTF-8"))?;
    let pattern = Pattern::parse(text)
        .map_err(|reason| Error::argument(1, format!("pattern '{text}': {reason}")))?;
    let (files, text) = (file_system(call)?, text.to_owned());
    Ok(asynchronous::run(|lua| async move {
        let found = find(&lua, files, &text, pattern).await?;
        lua.finish_with(|call| {
            let found = match found {
                Ok(found) => found,
                Err(error) => return failure(call, &error, Some(text.as_bytes())),
            };
            let table = call.table(found.len(), 0)?;
            for (index, path) in found.into_iter().enumerate() {
                let path = path_bytes(path).into_lua(call)?;
                table.set_index(call, index + 1, path)?;
            }
            Ok(vec![table.value()])
        })
    }))
}

/// Returns the paths that match a pattern, sorted. The outer error is the memory limit, the inner
/// one the OS's.
pub async fn find(
    lua: &Lua,
    files: Arc<dyn FileSystem>,
    text: &str,
    pattern: Pattern,
) -> Result<io::Result<Vec<PathBuf>>, Error> {
    if pattern.is_literal {
        let path = PathBuf::from(text);
        let is_there = in_pool(move || files.metadata(&path, false).is_ok()).await;
        return Ok(is_there.map(|is_there| is_there.then(|| text.into()).into_iter().collect()));
    }
    let mut found: Vec<PathBuf> = Vec::new();
    let mut size = 0;
    let mut begun = in_pool(move || Ok((pattern.walk(files)?, pattern))).await.flatten();
    loop {
        let (mut walk, pattern) = match begun {
            Ok((Some(walk), pattern)) => (walk, pattern),
            Ok((None, _)) => break,
            Err(error) => return Ok(Err(error)),
        };
        let batch = in_pool(move || {
            let mut seen = 0;
            let matches = |path: &PathBuf| pattern.matcher.is_match(Path::new(path));
            let batch = walk
                .by_ref()
                .take(BATCH)
                .inspect(|_| seen += 1)
                .map(|found| found.path)
                .filter(matches);
            let batch: Vec<PathBuf> = batch.collect();
            (batch, (seen == BATCH).then_some(walk), pattern)
        });
        match batch.await {
            Ok((batch, walk, pattern)) => {
                size += batch.iter().map(|path| path.as_os_str().len() + 64).sum::<usize>();
                found.extend(batch);
                lua.with(|call| call.check_memory(size))?;
                begun = Ok((walk, pattern));
            }
            Err(error) => begun = Err(error),
        }
    }
    found.sort_unstable();
    Ok(Ok(found))
}
