//! Comparisons, and expressions that control a jump: `and`, `or` and `not` become jumps.

use super::Generator;
use super::expression::Operand;
use super::fold::{self, Literal};
use super::jumps::JumpList;
use super::registers::{FALSE, NIL, TRUE};
use crate::ast::{
    BinaryLink, BinaryOperator, ComparisonOperator, Expression, ExpressionKind, LocalId,
    UnaryOperator,
};
use crate::bytecode::{Instruction, Opcode};
use crate::error::Fault;

/// A comparison whose operands are evaluated.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    relation: Relation,
    /// Whether it holds where the relation does not.
    is_negated: bool,
}

#[derive(Clone, Copy)]
enum Relation {
    Less(Sides),
    LessEqual(Sides),
    Equal(u8, Side),
}

/// The operands of an ordering. At most one is a constant.
#[derive(Clone, Copy)]
enum Sides {
    Registers(u8, u8),
    RightConstant(u8, u16),
    LeftConstant(u16, u8),
}

/// The right operand of an equality.
#[derive(Clone, Copy)]
enum Side {
    Register(u8),
    Constant(u16),
    Primitive(u16),
}

/// Whether the expression is a comparison by `<` and its like, whose result an instruction gives as
/// a value.
pub(super) fn is_ordering(expression: &Expression) -> bool {
    use ComparisonOperator::*;
    let last = match &expression.unparenthesized().kind {
        ExpressionKind::Binary(chain) => chain.links.last().map(|link| link.operator),
        _ => None,
    };
    matches!(last, Some(BinaryOperator::Comparison(Less | LessEqual | Greater | GreaterEqual)))
}

/// Whether the truth of the expression shows in where its code goes and not in a value.
pub(super) fn is_decided_by_jumps(expression: &Expression) -> bool {
    match &expression.unparenthesized().kind {
        ExpressionKind::And(_) | ExpressionKind::Or(_) => true,
        ExpressionKind::Binary(chain) => chain
            .links
            .last()
            .is_some_and(|link| matches!(link.operator, BinaryOperator::Comparison(_))),
        _ => false,
    }
}

impl<'c> Generator<'c> {
    /// Evaluates the right operand of a comparison. Temporaries stay reserved.
    #[inline(never)]
    pub(super) fn comparison(
        &mut self,
        operator: ComparisonOperator,
        left: Operand,
        link: &'c BinaryLink<'c>,
    ) -> Result<Comparison, Fault> {
        let right = &link.right;
        use ComparisonOperator::*;
        // Only one operand may be a constant.
        let left = match left {
            Operand::Literal(_) if fold::literal(right).is_some() => {
                Operand::Register(self.operand_register(left)?)
            }
            Operand::Literal(Literal::Nil | Literal::Boolean(_) | Literal::String(_))
                if !matches!(operator, Equal | NotEqual) =>
            {
                Operand::Register(self.operand_register(left)?)
            }
            left => left,
        };
        let right_operand = self.evaluate_operand(right)?;
        self.state.position = link.position;
        let relation = match operator {
            Equal | NotEqual => match (left, right_operand) {
                (Operand::Literal(literal), Operand::Register(register)) => {
                    self.equality(register, literal)?
                }
                (left, Operand::Literal(literal)) => {
                    let left = self.operand_register(left)?;
                    self.equality(left, literal)?
                }
                (Operand::Register(left), Operand::Register(right)) => {
                    Relation::Equal(left, Side::Register(right))
                }
            },
            Less => Relation::Less(self.sides(left, right_operand)?),
            LessEqual => Relation::LessEqual(self.sides(left, right_operand)?),
            Greater => Relation::Less(self.sides(right_operand, left)?),
            GreaterEqual => Relation::LessEqual(self.sides(right_operand, left)?),
        };
        Ok(Comparison { relation, is_negated: operator == NotEqual })
    }

    fn equality(&mut self, left: u8, right: Literal) -> Result<Relation, Fault> {
        let index = match &right {
            Literal::Nil => return Ok(Relation::Equal(left, Side::Primitive(NIL))),
            Literal::Boolean(value) => {
                return Ok(Relation::Equal(
                    left,
                    Side::Primitive(if *value { TRUE } else { FALSE }),
                ));
            }
            Literal::Number(value) => self.state.constants.number(*value),
            Literal::String(text) => self.state.constants.string(text),
        };
        match u16::try_from(index) {
            Ok(index) => Ok(Relation::Equal(left, Side::Constant(index))),
            Err(_) => Ok(Relation::Equal(
                left,
                Side::Register(self.operand_register(Operand::Literal(right))?),
            )),
        }
    }

    fn sides(&mut self, left: Operand, right: Operand) -> Result<Sides, Fault> {
        let constant = |generator: &mut Self, operand: &Operand| match operand {
            Operand::Literal(Literal::Number(value)) => {
                u16::try_from(generator.state.constants.number(*value)).ok()
            }
            _ => None,
        };
        let (left_constant, right_constant) = (constant(self, &left), constant(self, &right));
        match (left_constant, right_constant) {
            (Some(index), _) => Ok(Sides::LeftConstant(index, self.operand_register(right)?)),
            (_, Some(index)) => Ok(Sides::RightConstant(self.operand_register(left)?, index)),
            _ => Ok(Sides::Registers(self.operand_register(left)?, self.operand_register(right)?)),
        }
    }

    /// The opcode and operands that give an ordering's result as a value. A constant is loaded, its
    /// register reserved.
    pub(super) fn ordering_registers(
        &mut self,
        comparison: &Comparison,
    ) -> Result<Option<(Opcode, u8, u8)>, Fault> {
        let (opcode, sides) = match comparison.relation {
            Relation::Less(sides) => (Opcode::IsLess, sides),
            Relation::LessEqual(sides) => (Opcode::IsLessEqual, sides),
            Relation::Equal(..) => return Ok(None),
        };
        let mut load = |index: u16| {
            let register = self.reserve(1)?;
            self.load_constant(register, usize::from(index));
            Ok(register)
        };
        let (left, right) = match sides {
            Sides::Registers(left, right) => (left, right),
            Sides::RightConstant(left, right) => (left, load(right)?),
            Sides::LeftConstant(left, right) => (load(left)?, right),
        };
        Ok(Some((opcode, left, right)))
    }

    /// Emits the comparison and its jump, taken if it gives `when`.
    pub(super) fn jump_if_compared(
        &mut self,
        comparison: Comparison,
        when: bool,
        jumps: &mut JumpList,
    ) {
        self.emit(comparison.instruction(when));
        jumps.push(self.jump());
    }

    /// Jumps if the truth of the expression is `when`, and falls through otherwise.
    pub(super) fn jump_when(
        &mut self,
        expression: &'c Expression<'c>,
        when: bool,
        jumps: &mut JumpList,
    ) -> Result<(), Fault> {
        let expression = expression.unparenthesized();
        if let Some(literal) = fold::literal(expression) {
            self.state.position = expression.position;
            if literal.is_truthy() == when {
                jumps.push(self.jump());
            }
            return Ok(());
        }
        match &expression.kind {
            ExpressionKind::Unary(UnaryOperator::Not, operand) => {
                self.jump_when(operand, !when, jumps)
            }
            ExpressionKind::And(operands) => self.jump_when_all(operands, true, when, jumps),
            ExpressionKind::Or(operands) => self.jump_when_all(operands, false, when, jumps),
            ExpressionKind::Binary(chain) => {
                let mark = self.state.free;
                if let Some((last, before)) = chain.links.split_last()
                    && let BinaryOperator::Comparison(operator) = last.operator
                {
                    let left = self.chain_operand(chain, before)?;
                    let comparison = self.comparison(operator, left, last)?;
                    self.jump_if_compared(comparison, when, jumps);
                    self.state.free = mark;
                    return Ok(());
                }
                self.jump_when_value(expression, when, jumps)
            }
            _ => self.jump_when_value(expression, when, jumps),
        }
    }

    #[inline(never)]
    fn jump_when_value(
        &mut self,
        expression: &'c Expression<'c>,
        when: bool,
        jumps: &mut JumpList,
    ) -> Result<(), Fault> {
        let mark = self.state.free;
        let register = self.evaluate_any(expression)?;
        self.state.position = expression.position;
        self.jump_if(register, when, jumps);
        self.state.free = mark;
        Ok(())
    }

    /// `jump_when` for `and` (`all` is true) or `or` (`all` is false), which continues to the next
    /// operand only after one whose truth is `all`.
    #[inline(never)]
    fn jump_when_all(
        &mut self,
        operands: &'c [Expression<'c>],
        all: bool,
        when: bool,
        jumps: &mut JumpList,
    ) -> Result<(), Fault> {
        let Some((last, before)) = operands.split_last() else { return Ok(()) };
        if when != all {
            for operand in operands {
                self.jump_when(operand, when, jumps)?;
            }
            return Ok(());
        }
        let mut decided = JumpList::default();
        for operand in before {
            self.jump_when(operand, !all, &mut decided)?;
        }
        self.jump_when(last, when, jumps)?;
        self.patch_to_here(decided)
    }

    /// The value of `and` or `or`.
    #[inline(never)]
    pub(super) fn logical(
        &mut self,
        expression: &'c Expression<'c>,
        target: u8,
    ) -> Result<(), Fault> {
        let (operands, all) = match &expression.kind {
            ExpressionKind::And(operands) => (operands, true),
            ExpressionKind::Or(operands) => (operands, false),
            _ => return self.evaluate(expression, target),
        };
        let Some((last, before)) = operands.split_last() else { return Ok(()) };
        let mut decided = JumpList::default();
        for operand in before {
            self.take_when(operand, !all, target, &mut decided)?;
        }
        self.evaluate(last, target)?;
        self.patch_to_here(decided)
    }

    /// Jumps with the expression's value in `target` if its truth is `when`. If it falls through,
    /// the value of `target` is undefined.
    fn take_when(
        &mut self,
        expression: &'c Expression<'c>,
        when: bool,
        target: u8,
        jumps: &mut JumpList,
    ) -> Result<(), Fault> {
        let expression = expression.unparenthesized();
        let position = expression.position;
        if let Some(literal) = fold::literal(expression) {
            self.state.position = position;
            if literal.is_truthy() == when {
                self.load_literal(target, &literal);
                jumps.push(self.jump());
            }
            return Ok(());
        }
        match &expression.kind {
            ExpressionKind::And(operands) => {
                self.take_when_all(operands, true, when, target, jumps)
            }
            ExpressionKind::Or(operands) => {
                self.take_when_all(operands, false, when, target, jumps)
            }
            _ if is_decided_by_jumps(expression) => {
                let mut others = JumpList::default();
                self.jump_when(expression, !when, &mut others)?;
                self.state.position = position;
                self.load_primitive(target, if when { TRUE } else { FALSE });
                jumps.push(self.jump());
                self.patch_to_here(others)
            }
            _ => {
                self.evaluate(expression, target)?;
                self.jump_if(target, when, jumps);
                Ok(())
            }
        }
    }

    #[inline(never)]
    fn take_when_all(
        &mut self,
        operands: &'c [Expression<'c>],
        all: bool,
        when: bool,
        target: u8,
        jumps: &mut JumpList,
    ) -> Result<(), Fault> {
        let Some((last, before)) = operands.split_last() else { return Ok(()) };
        if when != all {
            for operand in operands {
                self.take_when(operand, when, target, jumps)?;
            }
            return Ok(());
        }
        let mut decided = JumpList::default();
        for operand in before {
            self.jump_when(operand, !all, &mut decided)?;
        }
        self.take_when(last, when, target, jumps)?;
        self.patch_to_here(decided)
    }

    /// Whether `and` or `or` may be evaluated directly into the local: its operands are written
    /// there in sequence, so no operand after the first may depend on the local.
    pub(super) fn may_overwrite(expression: &Expression, local: LocalId) -> bool {
        fn visit(expression: &Expression, local: LocalId, is_written: &mut bool) -> bool {
            let expression = expression.unparenthesized();
            match &expression.kind {
                ExpressionKind::And(operands) | ExpressionKind::Or(operands) => {
                    operands.iter().all(|operand| visit(operand, local, is_written))
                }
                ExpressionKind::Local(id) if *id == local => !*is_written,
                ExpressionKind::Local(_) => {
                    *is_written = true;
                    true
                }
                _ => {
                    let is_independent = !*is_written || fold::literal(expression).is_some();
                    *is_written = true;
                    is_independent
                }
            }
        }
        visit(expression, local, &mut false)
    }
}

impl Comparison {
    /// The instruction that jumps if the comparison gives `when`.
    fn instruction(&self, when: bool) -> Instruction {
        use Opcode::*;
        let holds = when != self.is_negated;
        let choose = |positive, negative| if holds { positive } else { negative };
        let (opcode, a, d) = match self.relation {
            Relation::Less(Sides::Registers(left, right)) => {
                (choose(LessVV, NotLessVV), left, u16::from(right))
            }
            Relation::Less(Sides::RightConstant(left, right)) => {
                (choose(LessVK, NotLessVK), left, right)
            }
            Relation::Less(Sides::LeftConstant(left, right)) => {
                (choose(LessKV, NotLessKV), right, left)
            }
            Relation::LessEqual(Sides::Registers(left, right)) => {
                (choose(LessEqualVV, NotLessEqualVV), left, u16::from(right))
            }
            Relation::LessEqual(Sides::RightConstant(left, right)) => {
                (choose(LessEqualVK, NotLessEqualVK), left, right)
            }
            Relation::LessEqual(Sides::LeftConstant(left, right)) => {
                (choose(LessEqualKV, NotLessEqualKV), right, left)
            }
            Relation::Equal(left, Side::Register(right)) => {
                (choose(EqualVV, NotEqualVV), left, u16::from(right))
            }
            Relation::Equal(left, Side::Constant(right)) => {
                (choose(EqualVK, NotEqualVK), left, right)
            }
            Relation::Equal(left, Side::Primitive(right)) => {
                (choose(EqualVP, NotEqualVP), left, right)
            }
        };
        Instruction::ad(opcode, a, d)
    }
}
