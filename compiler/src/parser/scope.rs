//! Name resolution: which local, upvalue or global a name refers to, which label a `goto` refers
//! to, and the limits on them.

use super::Parser;
use crate::ast::{
    Block, ExpressionKind, Function, Label, LabelId, Local, LocalId, LocalName, Origin, Upvalue,
    VarargLocal,
};
use crate::diagnostic::Span;
use crate::error::Fault;
use crate::lexer::token::Name;
use bumpalo::Bump;
use hashbrown::HashMap;

/// The number of locals that a function may have at a time.
const MAX_LOCALS: usize = 200;
/// The number of upvalues that a function may have.
const MAX_UPVALUES: usize = 60;

/// A function that is being parsed.
#[derive(Default)]
pub(super) struct FunctionScope {
    /// The line of its `function`; 0 for the main chunk.
    pub(super) line: u32,
    pub(super) is_vararg: bool,
    pub(super) uses_vararg: bool,
    pub(super) locals: Vec<Local>,
    /// The locals in scope, outermost first.
    active: Vec<LocalId>,
    /// The number of locals that are declared but not yet in scope.
    pending: usize,
    pub(super) upvalues: Vec<Upvalue>,
    blocks: Vec<BlockScope>,
    pub(super) labels: Vec<Label>,
    /// The labels of the open blocks.
    visible_labels: Vec<LabelId>,
    /// The same by the depth of their block and their name: a program may have very many.
    labels_by_name: HashMap<(usize, Name), LabelId>,
    pub(super) gotos: Vec<LabelId>,
    /// Those that have found no label yet, by block and position; None for one that has.
    pending_gotos: Vec<Option<PendingGoto>>,
    /// The places of these by the depth of their block and their name.
    pending_by_name: HashMap<(usize, Name), Vec<usize>>,
}

struct BlockScope {
    is_loop: bool,
    first_local: usize,
    first_label: usize,
    first_goto: usize,
}

/// A `goto` whose label has not been met.
struct PendingGoto {
    name: Name,
    goto: usize,
    line: u32,
    /// Where it names its label.
    span: Span,
    /// The number of locals in scope in the innermost block that holds both the `goto` and the
    /// position reached.
    active_locals: usize,
}

impl FunctionScope {
    /// The function that starts on `line`, with the block of its body open.
    #[inline(never)]
    pub(super) fn new(line: u32) -> Box<Self> {
        let mut function = Box::new(FunctionScope { line, ..FunctionScope::default() });
        function.enter_block(false);
        function
    }

    /// The tree of the function with that body. What else is known of it is the parser's to add.
    #[inline(never)]
    pub(super) fn finish<'a>(
        self: Box<Self>,
        arena: &'a Bump,
        body: Block<'a>,
    ) -> &'a mut Function<'a> {
        let is_main = self.line == 0;
        let arg = if self.uses_vararg { VarargLocal::Nil } else { VarargLocal::Table };
        arena.alloc(Function {
            ordinal: 0,
            line: self.line,
            last_line: 0,
            parameters: 0,
            is_vararg: self.is_vararg,
            arg: (self.is_vararg && !is_main).then_some(arg),
            locals: arena.alloc_slice_fill_iter(self.locals),
            upvalues: arena.alloc_slice_fill_iter(self.upvalues),
            labels: arena.alloc_slice_fill_iter(self.labels),
            gotos: arena.alloc_slice_fill_iter(self.gotos),
            body,
            return_line: 0,
        })
    }

    pub(super) fn enter_block(&mut self, is_loop: bool) {
        self.blocks.push(BlockScope {
            is_loop,
            first_local: self.active.len(),
            first_label: self.visible_labels.len(),
            first_goto: self.pending_gotos.len(),
        });
    }

    pub(super) fn is_in_loop(&self) -> bool {
        self.blocks.iter().any(|block| block.is_loop)
    }

    /// Takes the last `count` declared locals into scope.
    pub(super) fn activate(&mut self, count: usize) {
        let first = self.locals.len() - self.pending;
        self.active.extend((first..first + count).map(|index| index as LocalId));
        self.pending -= count;
    }

    fn local_named(&self, name: Name) -> Option<LocalId> {
        let is_named = |&&id: &&LocalId| {
            self.locals.get(id as usize).is_some_and(|local| local.name == LocalName::Visible(name))
        };
        self.active.iter().rev().find(is_named).copied()
    }

    /// The innermost open block's beginnings; a function has one block at least.
    fn block(&self) -> &BlockScope {
        const OUTSIDE: &BlockScope =
            &BlockScope { is_loop: false, first_local: 0, first_label: 0, first_goto: 0 };
        self.blocks.last().unwrap_or(OUTSIDE)
    }

    /// The label of that name in the innermost block.
    fn label_named(&self, name: Name) -> Option<LabelId> {
        self.labels_by_name.get(&(self.blocks.len(), name)).copied()
    }

    /// A `goto` waits for a label in the innermost block, or one around it.
    fn wait_for_label(&mut self, pending: PendingGoto) {
        let place = self.pending_gotos.len();
        self.pending_by_name.entry((self.blocks.len(), pending.name)).or_default().push(place);
        self.pending_gotos.push(Some(pending));
    }

    /// Closes the innermost block. The gotos that have found no label in it are left over.
    fn close_block(&mut self) -> Vec<PendingGoto> {
        let depth = self.blocks.len();
        let Some(block) = self.blocks.pop() else { return Vec::new() };
        self.active.truncate(block.first_local);
        for id in self.visible_labels.split_off(block.first_label) {
            if let Some(label) = self.labels.get(id as usize) {
                self.labels_by_name.remove(&(depth, label.name));
            }
        }
        let mut left: Vec<_> =
            self.pending_gotos.split_off(block.first_goto).into_iter().flatten().collect();
        for pending in &mut left {
            self.pending_by_name.remove(&(depth, pending.name));
            pending.active_locals = pending.active_locals.min(block.first_local);
        }
        left
    }
}

impl<'a> Parser<'a, '_, '_> {
    fn over_limit(&self, function_line: u32, limit: usize, what: &str) -> Fault {
        let text = match function_line {
            0 => format!("main function has more than {limit} {what}"),
            line => format!("function at line {line} has more than {limit} {what}"),
        };
        self.error_here(text)
    }

    pub(super) fn check_limit(&self, count: usize, limit: usize, what: &str) -> Result<(), Fault> {
        if count > limit { Err(self.over_limit(self.innermost.line, limit, what)) } else { Ok(()) }
    }

    /// Declares a local that is not in scope yet.
    pub(super) fn declare(&mut self, name: LocalName) -> Result<LocalId, Fault> {
        let function = &self.innermost;
        let checked = self.check_limit(
            function.active.len() + function.pending + 1,
            MAX_LOCALS,
            "local variables",
        );
        checked.map_err(|fault| match self.options.too_many_locals {
            Some(text) => self.error_here(text),
            None => fault,
        })?;
        let function = &mut self.innermost;
        let id = function.locals.len() as LocalId;
        function.locals.push(Local { name, is_captured: false, span: self.last_span });
        function.pending += 1;
        Ok(id)
    }

    pub(super) fn declare_hidden(&mut self, names: [&'static str; 3]) -> Result<LocalId, Fault> {
        let first = self.innermost.locals.len() as LocalId;
        for name in names {
            self.declare(LocalName::Hidden(name))?;
        }
        Ok(first)
    }

    /// Resolves a name here. A local of an enclosing function becomes an upvalue of every function
    /// in between.
    pub(super) fn resolve(&mut self, name: Name) -> Result<ExpressionKind<'a>, Fault> {
        if let Some(id) = self.innermost.local_named(name) {
            return Ok(ExpressionKind::Local(id));
        }
        let enclosing = self.enclosing.iter_mut().enumerate().rev();
        let found = enclosing
            .filter_map(|(depth, function)| Some((depth, function.local_named(name)?, function)))
            .next();
        let Some((depth, id, function)) = found else {
            return Ok(ExpressionKind::Global(name));
        };
        if let Some(local) = function.locals.get_mut(id as usize) {
            local.is_captured = true;
        }
        let mut origin = Origin::Local(id);
        let mut index = 0;
        let between =
            self.enclosing.iter_mut().skip(depth + 1).chain(std::iter::once(&mut self.innermost));
        for function in between {
            let known = function.upvalues.iter().position(|upvalue| upvalue.origin == origin);
            let position = known.unwrap_or_else(|| {
                function.upvalues.push(Upvalue { name, origin });
                function.upvalues.len() - 1
            });
            if position >= MAX_UPVALUES {
                let line = function.line;
                return Err(self.over_limit(line, MAX_UPVALUES, "upvalues"));
            }
            index = position as u8;
            origin = Origin::Upvalue(index);
        }
        Ok(ExpressionKind::Upvalue(index))
    }

    /// Closes the innermost block: its locals end, and its unresolved gotos look for a label in the
    /// block around it.
    pub(super) fn leave_block(&mut self) -> Result<(), Fault> {
        for pending in self.innermost.close_block() {
            match self.innermost.label_named(pending.name) {
                Some(label) => self.bind_goto(&pending, label)?,
                None if self.innermost.blocks.is_empty() => {
                    let name = self.name_text(pending.name);
                    let text =
                        format!("no visible label '{name}' for <goto> at line {}", pending.line);
                    return Err(self.error_at(text, pending.span));
                }
                None => self.innermost.wait_for_label(pending),
            }
        }
        Ok(())
    }

    /// Registers a `goto` and returns its index.
    pub(super) fn add_goto(&mut self, name: Name, line: u32) -> Result<u32, Fault> {
        let function = &mut self.innermost;
        let goto = function.gotos.len();
        function.gotos.push(0);
        let span = self.last_span;
        let pending = PendingGoto { name, goto, line, span, active_locals: function.active.len() };
        match function.label_named(name) {
            Some(label) => self.bind_goto(&pending, label)?,
            None => function.wait_for_label(pending),
        }
        Ok(goto as u32)
    }

    pub(super) fn add_label(&mut self, name: Name, line: u32) -> Result<LabelId, Fault> {
        if let Some(previous) =
            self.innermost.label_named(name).and_then(|id| self.innermost.labels.get(id as usize))
        {
            let text = format!(
                "label '{}' already defined on line {}",
                self.name_text(name),
                previous.line
            );
            let note = format!("'{}' is defined here", self.name_text(name));
            let previous = previous.span;
            return Err(self.error_here(text).note(note, previous));
        }
        let span = self.last_span;
        let function = &mut self.innermost;
        let id = function.labels.len() as LabelId;
        function.labels.push(Label { name, line, span, active_locals: function.active.len() });
        function.visible_labels.push(id);
        function.labels_by_name.insert((function.blocks.len(), name), id);
        Ok(id)
    }

    /// Binds the gotos that waited for the label. A label at the end of its block is outside the
    /// scope of the block's locals.
    pub(super) fn finish_label(&mut self, id: LabelId, ends_block: bool) -> Result<(), Fault> {
        let function = &mut self.innermost;
        let first_local = function.block().first_local;
        let Some(label) = function.labels.get_mut(id as usize) else { return Ok(()) };
        if ends_block {
            label.active_locals = first_local;
        }
        let waiting = function
            .pending_by_name
            .remove(&(function.blocks.len(), label.name))
            .unwrap_or_default();
        for place in waiting {
            if let Some(pending) =
                self.innermost.pending_gotos.get_mut(place).and_then(Option::take)
            {
                self.bind_goto(&pending, id)?;
            }
        }
        Ok(())
    }

    fn bind_goto(&mut self, pending: &PendingGoto, id: LabelId) -> Result<(), Fault> {
        let function = &mut self.innermost;
        let active_at_label =
            function.labels.get(id as usize).map_or(0, |label| label.active_locals);
        if pending.active_locals < active_at_label {
            let local = function
                .active
                .get(pending.active_locals)
                .and_then(|&id| function.locals.get(id as usize));
            let local_name = match local.map(|local| local.name) {
                Some(LocalName::Visible(name)) => self.name_text(name),
                Some(LocalName::Hidden(name)) => name,
                None => "?",
            };
            let (name, line) = (self.name_text(pending.name), pending.line);
            let text = format!(
                "<goto {name}> at line {line} jumps into the scope of local '{local_name}'"
            );
            return Err(self.error_at(text, pending.span));
        }
        if let Some(target) = function.gotos.get_mut(pending.goto) {
            *target = id;
        }
        Ok(())
    }
}
