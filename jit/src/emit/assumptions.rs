//! What a region's code relies on, and calls can change: where globals, inherited fields and
//! metamethods are, and the upvalues and environments of called functions.

use crate::region::{Action, Inherited, Node, Region};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{Fact, Table};
use std::collections::{HashMap, HashSet};

/// Facts, and where the globals are.
#[derive(Default)]
pub(super) struct Relied {
    pub(super) facts: HashSet<Fact>,
    /// The addresses of the nodes of globals, by frame and constant.
    pub(super) globals: HashMap<(usize, usize), u64>,
    /// The frames that use globals, and their environments.
    pub(super) environments: HashMap<usize, u64>,
}

/// What a region relies on.
pub(super) fn relied_on(region: &Region) -> Relied {
    let mut relied = Relied::default();
    for node in &region.nodes {
        match (node.action, node.opcode) {
            (Action::Leave(_), _) => {}
            (Action::Inherited { first, count }, _) => {
                for found in &region.inherited[first..first + count] {
                    relied.inherited(region, node, found);
                }
            }
            (Action::StringMethod(way), _) => {
                relied.inherited(region, node, &region.inherited[way]);
            }
            (Action::Metamethod(call), _) => {
                let call = &region.metamethods[call];
                relied.facts.extend(call.metatable.has(call.place, call.key));
            }
            (_, Opcode::GetUpvalue | Opcode::SetUpvalue) => {
                let frame = &region.frames[node.frame];
                if region.is_known(node.frame) {
                    relied.facts.extend(frame.function.has_upvalue(node.word.d().into()));
                }
            }
            (_, Opcode::GetGlobal) => {
                relied.global(region, node);
            }
            _ => {}
        }
    }
    relied
}

impl Relied {
    /// Where a global is.
    fn global(&mut self, region: &Region, node: &Node) -> Option<()> {
        let index = usize::from(node.word.d());
        let frame = &region.frames[node.frame];
        let environment = frame.function.environment()?;
        let (key, hash) = (frame.code.constant(index)?, frame.code.constant(index + 1)?);
        let offset = environment.field(key, hash)?;
        self.facts.extend(environment.has(offset, key));
        if region.is_known(node.frame) {
            self.facts.extend(frame.function.has_environment());
        }
        self.environments.insert(node.frame, environment.address());
        self.globals.insert((node.frame, index), place(environment, offset));
        Some(())
    }

    /// How a field is found that an object's metatable leads to.
    fn inherited<'v>(
        &mut self,
        region: &Region<'v>,
        node: &Node<'v>,
        found: &Inherited<'v>,
    ) -> Option<()> {
        let code = region.frames[node.frame].code;
        let key = code.constant(node.word.c().into())?;
        let (last, lacking) = found.levels.split_last()?;
        for level in &found.levels {
            self.facts.extend(level.metatable.has(level.index, found.index_name));
        }
        self.facts.extend(last.fields.has(found.field, key));
        // The tables in between lack it.
        self.facts.extend(lacking.iter().filter_map(|level| level.fields.lacks(key)));
        Some(())
    }
}

/// The address of a node of a table, at a distance from the first one.
pub(super) fn place(table: Table, offset: i32) -> u64 {
    table.nodes().wrapping_add_signed(offset.into())
}
