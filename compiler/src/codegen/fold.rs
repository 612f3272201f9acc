//! Constant folding and other static knowledge of expressions.
//!
//! As PUC Lua 5.1 does it: arithmetic on numerals, but neither division by zero nor anything that
//! gives NaN; `not` of a literal; never strings.

use crate::ast::{ArithmeticOperator, BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use std::sync::Arc;

/// A value that is known.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Nil,
    Boolean(bool),
    Number(f64),
    String(Arc<[u8]>),
}

impl Literal {
    pub(super) fn is_truthy(&self) -> bool {
        !matches!(self, Literal::Nil | Literal::Boolean(false))
    }
}

/// The expression's value, if it is known.
pub(super) fn literal(expression: &Expression) -> Option<Literal> {
    match &expression.unparenthesized().kind {
        ExpressionKind::Nil => Some(Literal::Nil),
        ExpressionKind::Boolean(value) => Some(Literal::Boolean(*value)),
        ExpressionKind::String(text) => Some(Literal::String((**text).into())),
        ExpressionKind::Unary(UnaryOperator::Not, operand) => {
            Some(Literal::Boolean(!literal(operand)?.is_truthy()))
        }
        _ => numeral(expression).map(Literal::Number),
    }
}

/// The expression's value, if it is a known number.
pub(super) fn numeral(expression: &Expression) -> Option<f64> {
    match &expression.unparenthesized().kind {
        ExpressionKind::Number(value) => Some(*value),
        ExpressionKind::Unary(UnaryOperator::Negate, operand) => {
            Some(-numeral(operand)?).filter(|value| !value.is_nan())
        }
        ExpressionKind::Binary(chain) => {
            chain.links.iter().try_fold(numeral(chain.first)?, |left, link| match link.operator {
                BinaryOperator::Arithmetic(operator) => {
                    arithmetic(operator, left, numeral(&link.right)?)
                }
                BinaryOperator::Comparison(_) => None,
            })
        }
        _ => None,
    }
}

/// The result, unless it is left to the VM.
pub(super) fn arithmetic(operator: ArithmeticOperator, left: f64, right: f64) -> Option<f64> {
    let result = match operator {
        ArithmeticOperator::Add => left + right,
        ArithmeticOperator::Subtract => left - right,
        ArithmeticOperator::Multiply => left * right,
        ArithmeticOperator::Divide | ArithmeticOperator::Modulo if right == 0.0 => return None,
        ArithmeticOperator::Divide => left / right,
        ArithmeticOperator::Modulo => left - (left / right).floor() * right,
        ArithmeticOperator::Power => left.powf(right),
    };
    (!result.is_nan()).then_some(result)
}
