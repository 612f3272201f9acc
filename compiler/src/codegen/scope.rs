//! The locals in scope, the registers and instructions of each, and what leaving their scope takes.

use super::Generator;
use super::jumps::JumpList;
use crate::ast::{Function, LabelId, LocalId, LocalName};
use crate::bytecode::{Instruction, LocalVariable, Opcode};
use crate::error::Fault;
use std::sync::Arc;

/// The scopes of the function that is being compiled. Active locals are in the registers of their
/// index.
pub(super) struct Scope {
    locals: Vec<LocalState>,
    /// The locals in scope, outermost first.
    active: Vec<LocalId>,
    /// The loops around the current statement, outermost first.
    loops: Vec<LoopState>,
    labels: Vec<LabelState>,
}

struct LocalState {
    name: LocalName,
    is_captured: bool,
    register: u8,
    start: usize,
    end: usize,
}

struct LoopState {
    /// The number of locals in scope around the loop's body.
    active_locals: usize,
    breaks: JumpList,
}

#[derive(Default)]
struct LabelState {
    /// Its position, once it has been reached.
    position: Option<usize>,
    /// The gotos met before it.
    gotos: JumpList,
}

impl Scope {
    pub(super) fn new(tree: &Function) -> Self {
        let state = |local: &crate::ast::Local| LocalState {
            name: local.name,
            is_captured: local.is_captured,
            register: 0,
            start: 0,
            end: 0,
        };
        Scope {
            locals: tree.locals.iter().map(state).collect(),
            active: Vec::new(),
            loops: Vec::new(),
            labels: tree.labels.iter().map(|_| LabelState::default()).collect(),
        }
    }

    pub(super) fn finish(&mut self, text: impl Fn(LocalName) -> Arc<[u8]>) -> Box<[LocalVariable]> {
        let variable = |local: &LocalState| LocalVariable {
            name: text(local.name),
            register: local.register,
            start: local.start as u32,
            end: local.end as u32,
        };
        self.locals.iter().map(variable).collect()
    }
}

impl Generator<'_> {
    /// The number of locals in scope, which is also the first register above them.
    pub(super) fn active_locals(&self) -> usize {
        self.state.scope.active.len()
    }

    /// Takes `count` locals into scope. Their registers, the next above those in scope, are
    /// reserved.
    pub(super) fn activate_locals(&mut self, first: LocalId, count: u32) {
        let start = self.state.code.len();
        let scope = &mut self.state.scope;
        for id in first..first + count {
            if let Some(local) = scope.locals.get_mut(id as usize) {
                local.register = scope.active.len() as u8;
                local.start = start;
            }
            scope.active.push(id);
        }
    }

    /// Starts the local's visible lifetime here instead of where it entered the scope.
    pub(super) fn restart_local(&mut self, id: LocalId) {
        let start = self.state.code.len();
        if let Some(local) = self.state.scope.locals.get_mut(id as usize) {
            local.start = start;
        }
    }

    pub(super) fn local_register(&self, id: LocalId) -> u8 {
        self.state.scope.locals.get(id as usize).map_or(0, |local| local.register)
    }

    /// Ends the scope of all but the first `count` locals and releases their registers.
    pub(super) fn end_locals(&mut self, count: usize) {
        let end = self.state.code.len();
        let scope = &mut self.state.scope;
        for id in scope.active.drain(count.min(scope.active.len())..) {
            if let Some(local) = scope.locals.get_mut(id as usize) {
                local.end = end;
            }
        }
        self.state.free = self.active_locals();
    }

    /// Closes the captured ones of all but the first `count` locals.
    pub(super) fn close_from(&mut self, count: usize) {
        let scope = &self.state.scope;
        let is_captured =
            |id: &LocalId| scope.locals.get(*id as usize).is_some_and(|local| local.is_captured);
        let captured = scope.active.iter().skip(count).position(is_captured);
        if let Some(offset) = captured {
            self.emit(Instruction::ad(Opcode::Close, (count + offset) as u8, 0));
        }
    }

    pub(super) fn enter_loop(&mut self) {
        let active_locals = self.active_locals();
        self.state.scope.loops.push(LoopState { active_locals, breaks: JumpList::default() });
    }

    /// Leads the loop's breaks to the next instruction.
    pub(super) fn leave_loop(&mut self) -> Result<(), Fault> {
        match self.state.scope.loops.pop() {
            Some(innermost) => self.patch_to_here(innermost.breaks),
            None => Ok(()),
        }
    }

    pub(super) fn emit_break(&mut self) {
        // The parser rejects `break` outside a loop.
        if let Some(active_locals) =
            self.state.scope.loops.last().map(|innermost| innermost.active_locals)
        {
            self.close_from(active_locals);
            let position = self.jump();
            if let Some(innermost) = self.state.scope.loops.last_mut() {
                innermost.breaks.push(position);
            }
        }
    }

    pub(super) fn emit_goto(&mut self, goto: u32) -> Result<(), Fault> {
        let tree = self.state.tree;
        let Some(&id) = tree.gotos.get(goto as usize) else { return Ok(()) };
        let Some(label) = tree.labels.get(id as usize) else { return Ok(()) };
        self.close_from(label.active_locals);
        match self.state.scope.labels.get(id as usize).and_then(|label| label.position) {
            Some(target) => self.loop_to(target)?,
            None => {
                let position = self.jump();
                if let Some(label) = self.state.scope.labels.get_mut(id as usize) {
                    label.gotos.push(position);
                }
            }
        }
        Ok(())
    }

    pub(super) fn emit_label(&mut self, id: LabelId) -> Result<(), Fault> {
        let here = self.label_here();
        let Some(label) = self.state.scope.labels.get_mut(id as usize) else { return Ok(()) };
        label.position = Some(here);
        let gotos = std::mem::take(&mut label.gotos);
        self.patch_to_here(gotos)
    }
}
