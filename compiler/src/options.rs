//! What a caller may choose for a compilation.

/// How to compile.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// Called periodically; returns whether to give up, so that the compilation of a huge chunk can
    /// be cancelled.
    pub interrupt: Option<&'o dyn Fn() -> bool>,
    /// The most bytes that the syntax tree may take, more or less.
    pub tree_size: Option<usize>,
    /// The message for a function with too many local variables, instead of PUC Lua's.
    pub too_many_locals: Option<&'static str>,
    /// Whether prototypes get the [spans](crate::bytecode::Prototype::spans) of their instructions.
    pub spans: bool,
}

impl Options<'_> {
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt())
    }
}
