//! Each instruction of the assembler, with each kind of operand, is compared with a disassembler.
//!
//! The expected text is written by hand for each form, with `{r}` and the like for registers and
//! `{m}` for the text of a memory operand, which is made from its parts and not from its encoding.

use super::super::linear::DoubleOperation;
use super::assembler::{Arithmetic, Logic, Rounding, Shift};
use super::encoder::{Encoder, Size};
use super::operand::{Flag, General, Memory, Source, Vector};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, FormatterOptions, IntelFormatter, MemorySizeOptions,
};

const QUADS: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];
const LONGS: [&str; 16] = [
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
    "r13d", "r14d", "r15d",
];
const SHORTS: [&str; 16] = [
    "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
    "r14w", "r15w",
];
const BYTES: [&str; 16] = [
    "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
    "r13b", "r14b", "r15b",
];

fn number(value: i64) -> String {
    format!("0x{value:x}")
}

/// The disassembly of code that is one instruction.
fn disassemble(code: &[u8]) -> String {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert_eq!(instruction.len(), code.len(), "{code:x?}");
    let mut formatter = IntelFormatter::new();
    set_options(formatter.options_mut());
    let mut text = String::new();
    formatter.format(&instruction, &mut text);
    text
}

fn set_options(options: &mut FormatterOptions) {
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_space_after_operand_separator(true);
    options.set_signed_immediate_operands(true);
    options.set_memory_size_options(MemorySizeOptions::Always);
    options.set_rip_relative_addresses(true);
}

#[track_caller]
fn expect(text: &str, encode: impl FnOnce(&mut Encoder)) {
    let mut encoder = Encoder::default();
    encode(&mut encoder);
    let bytes = encoder.finish().bytes;
    assert_eq!(disassemble(&bytes), text, "{bytes:x?}");
}

/// Memory operands and their text.
fn memories() -> Vec<(Memory, String)> {
    let mut list = Vec::new();
    for base in 0..16u8 {
        let mut operands = vec![None];
        for index in (0..16u8).filter(|&index| index != 4) {
            operands.extend([0, 3].map(|shift| Some((index, shift))));
        }
        for index in operands {
            for offset in [0, 8, 0x7f, -0x80, 0x80, -0x81, i32::MAX, i32::MIN] {
                let (general, mut text) = (General(base), format!("[{}", QUADS[base as usize]));
                let memory = match index {
                    None => Memory::Base(general, offset),
                    Some((index, shift)) => {
                        text += &format!("+{}", QUADS[index as usize]);
                        text += if shift == 3 { "*8" } else { "" };
                        Memory::Indexed { base: general, index: General(index), shift, offset }
                    }
                };
                match offset {
                    0 => {}
                    1.. => text += &format!("+{}", number(offset.into())),
                    _ => text += &format!("-{}", number(-i64::from(offset))),
                }
                list.push((memory, text + "]"));
            }
        }
    }
    list
}

type Encode<A> = fn(&mut Encoder, u8, A);

/// Instructions with a register and a source of general registers.
const WITH_SOURCE: &[(&str, Encode<Source<General>>)] = &[
    ("add {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::Add, General(r), s)),
    ("or {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::Or, General(r), s)),
    ("and {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::And, General(r), s)),
    ("sub {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::Subtract, General(r), s)),
    ("xor {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::Xor, General(r), s)),
    ("cmp {q}, {s}", |e, r, s| e.arithmetic(Arithmetic::Compare, General(r), s)),
    ("imul {q}, {s}", |e, r, s| e.multiply(General(r), s)),
    ("imul {q}, {s}, 0x7f", |e, r, s| e.multiply_constant(General(r), s, 127)),
    ("imul {q}, {s}, -0x81", |e, r, s| e.multiply_constant(General(r), s, -129)),
    ("test {s}, {q}", |e, r, s| e.test(s, General(r))),
    ("mov {q}, {s}", |e, r, s| e.move_word(General(r), s)),
    ("cmovb {q}, {s}", |e, r, s| e.move_if(Flag::BELOW, General(r), s)),
    ("cmovg {q}, {s}", |e, r, s| e.move_if(Flag::GREATER, General(r), s)),
    ("cmovp {q}, {s}", |e, r, s| e.move_if(Flag::UNORDERED, General(r), s)),
    ("shlx {q}, {s}, r10", |e, r, s| e.shift(Shift::Left, General(r), s, General(10))),
    ("shrx {q}, {s}, rdi", |e, r, s| e.shift(Shift::Right, General(r), s, General(7))),
    ("sarx {q}, {s}, rax", |e, r, s| e.shift(Shift::RightSigned, General(r), s, General(0))),
    ("vcvtsi2sd {x}, {x}, {s}", |e, r, s| e.convert_integer(Vector(r), s)),
];

/// Instructions with a source of general registers only; the number is not used.
const SOURCE_ONLY: &[(&str, Encode<Source<General>>)] = &[
    ("add {s}, 0x7f", |e, _, s| e.arithmetic_constant(Arithmetic::Add, s, 127)),
    ("or {s}, -0x80", |e, _, s| e.arithmetic_constant(Arithmetic::Or, s, -128)),
    ("sub {s}, 0x80", |e, _, s| e.arithmetic_constant(Arithmetic::Subtract, s, 128)),
    ("cmp {s}, -0x1", |e, _, s| e.arithmetic_constant(Arithmetic::Compare, s, -1)),
    ("xor {s}, -0x80000000", |e, _, s| e.arithmetic_constant(Arithmetic::Xor, s, i32::MIN)),
    ("test {s}, 0x8", |e, _, s| e.test_constant(s, 8)),
    ("div {s}", |e, _, s| e.divide(false, s)),
    ("idiv {s}", |e, _, s| e.divide(true, s)),
];

/// Instructions with a vector register and a source of vector registers, and the size of the source
/// in memory.
const VECTOR_SOURCE: &[(&str, &str, Encode<Source<Vector>>)] = &[
    ("vaddsd {x}, xmm3, {v}", "q", |e, r, s| {
        e.double_operation(DoubleOperation::Add, Vector(r), Vector(3), s)
    }),
    ("vsubsd {x}, xmm12, {v}", "q", |e, r, s| {
        e.double_operation(DoubleOperation::Subtract, Vector(r), Vector(12), s)
    }),
    ("vmulsd {x}, xmm0, {v}", "q", |e, r, s| {
        e.double_operation(DoubleOperation::Multiply, Vector(r), Vector(0), s)
    }),
    ("vdivsd {x}, xmm15, {v}", "q", |e, r, s| {
        e.double_operation(DoubleOperation::Divide, Vector(r), Vector(15), s)
    }),
    ("vandpd {x}, xmm9, {v}", "xmm", |e, r, s| e.logic(Logic::And, Vector(r), Vector(9), s)),
    ("vxorpd {x}, xmm1, {v}", "xmm", |e, r, s| e.logic(Logic::Xor, Vector(r), Vector(1), s)),
    ("vucomisd {x}, {v}", "q", |e, r, s| e.compare_doubles(Vector(r), s)),
    ("vcvttsd2si {q}, {v}", "q", |e, r, s| e.convert_double(General(r), s)),
];

/// Instructions with a register and memory, and its size.
const WITH_MEMORY: &[(&str, Encode<Memory>)] = &[
    ("lea {q}, {m}", |e, r, m| e.load_address(General(r), m)),
    ("mov {q}, qword ptr {m}", |e, r, m| e.load(Size::Quad, General(r), m)),
    ("mov {l}, dword ptr {m}", |e, r, m| e.load(Size::Long, General(r), m)),
    ("movzx {l}, word ptr {m}", |e, r, m| e.load(Size::Short, General(r), m)),
    ("movzx {l}, byte ptr {m}", |e, r, m| e.load(Size::Byte, General(r), m)),
    ("movsxd {q}, dword ptr {m}", |e, r, m| e.load_signed(General(r), m)),
    ("mov qword ptr {m}, {q}", |e, r, m| e.store(Size::Quad, m, General(r))),
    ("mov dword ptr {m}, {l}", |e, r, m| e.store(Size::Long, m, General(r))),
    ("mov word ptr {m}, {w}", |e, r, m| e.store(Size::Short, m, General(r))),
    ("mov byte ptr {m}, {b}", |e, r, m| e.store(Size::Byte, m, General(r))),
    ("vmovsd {x}, qword ptr {m}", |e, r, m| e.move_double(Vector(r), Source::Memory(m))),
    ("vmovsd qword ptr {m}, {x}", |e, r, m| e.store_double(m, Vector(r))),
];

/// Instructions with memory only.
const MEMORY_ONLY: &[(&str, Encode<Memory>)] = &[
    ("mov qword ptr {m}, -0x2", |e, _, m| e.store_constant(Size::Quad, m, -2)),
    ("mov dword ptr {m}, 0x12345678", |e, _, m| e.store_constant(Size::Long, m, 0x1234_5678)),
    ("mov word ptr {m}, 0x1234", |e, _, m| e.store_constant(Size::Short, m, 0x1234)),
    ("mov byte ptr {m}, -0x80", |e, _, m| e.store_constant(Size::Byte, m, 128)),
];

type EncodeRegister = fn(&mut Encoder, u8);

/// Instructions with one register.
const ONE_REGISTER: &[(&str, EncodeRegister)] = &[
    ("neg {q}", |e, r| e.negate(General(r))),
    ("shl {q}, 0x3f", |e, r| e.shift_constant(Shift::Left, General(r), 63)),
    ("shr {q}, 0x1", |e, r| e.shift_constant(Shift::Right, General(r), 1)),
    ("sar {q}, 0x20", |e, r| e.shift_constant(Shift::RightSigned, General(r), 32)),
    ("xor {l}, {l}", |e, r| e.clear(General(r))),
    ("mov {l}, 0x0", |e, r| e.load_constant(General(r), 0)),
    ("mov {l}, -0x1", |e, r| e.load_constant(General(r), u32::MAX.into())),
    ("mov {q}, -0x1", |e, r| e.load_constant(General(r), -1)),
    ("mov {q}, -0x80000000", |e, r| e.load_constant(General(r), i32::MIN.into())),
    ("mov {q}, 0x100000000", |e, r| e.load_constant(General(r), 1 << 32)),
    ("mov {q}, -0x8000000000000000", |e, r| e.load_constant(General(r), i64::MIN)),
    ("movzx {l}, al", |e, r| e.extend_byte(General(r), General(0))),
    ("movzx {l}, dl", |e, r| e.extend_byte(General(r), General(2))),
    ("call {q}", |e, r| e.call(General(r))),
    ("jmp {q}", |e, r| e.jump_to(General(r))),
    ("vxorpd {x}, {x}, {x}", |e, r| e.clear_double(Vector(r))),
    ("vsqrtsd {x}, xmm4, xmm4", |e, r| e.square_root(Vector(r), Vector(4))),
    ("vsqrtsd {x}, xmm13, xmm13", |e, r| e.square_root(Vector(r), Vector(13))),
    ("vroundsd {x}, xmm2, xmm2, 0x9", |e, r| e.round(Rounding::Down, Vector(r), Vector(2))),
    ("vroundsd {x}, xmm8, xmm8, 0xa", |e, r| e.round(Rounding::Up, Vector(r), Vector(8))),
    ("vmovapd {x}, xmm7", |e, r| e.move_double(Vector(r), Source::Register(Vector(7)))),
    ("vmovapd {x}, xmm11", |e, r| e.move_double(Vector(r), Source::Register(Vector(11)))),
    ("vmovq {x}, rbp", |e, r| e.bits_to_double(Vector(r), General(5))),
    ("vmovq {x}, r14", |e, r| e.bits_to_double(Vector(r), General(14))),
    ("vmovq {q}, xmm5", |e, r| e.double_to_bits(General(r), Vector(5))),
    ("vmovq {q}, xmm15", |e, r| e.double_to_bits(General(r), Vector(15))),
];

/// The text of a form with a register.
fn with_register(form: &str, register: u8) -> String {
    let index = register as usize;
    form.replace("{q}", QUADS[index])
        .replace("{l}", LONGS[index])
        .replace("{w}", SHORTS[index])
        .replace("{b}", BYTES[index])
        .replace("{x}", &format!("xmm{register}"))
}

#[test]
fn registers() {
    for register in 0..16 {
        for (form, encode) in ONE_REGISTER {
            expect(&with_register(form, register), |e| encode(e, register));
        }
        for other in 0..16 {
            for (form, encode) in WITH_SOURCE.iter().chain(SOURCE_ONLY) {
                let (own, other_text) = (QUADS[register as usize], QUADS[other as usize]);
                let mut text = with_register(form, register).replace("{s}", other_text);
                // The disassembler prints equal operands once.
                if text.starts_with("imul") && register == other {
                    text = text.replace(&format!("{own}, {own}, "), &format!("{own}, "));
                }
                expect(&text, |e| encode(e, register, Source::Register(General(other))));
            }
            for (form, _, encode) in VECTOR_SOURCE {
                let text = with_register(form, register).replace("{v}", &format!("xmm{other}"));
                expect(&text, |e| encode(e, register, Source::Register(Vector(other))));
            }
        }
    }
}

#[test]
fn memory_operands() {
    // Each memory operand with low and high registers, in turn.
    let registers = [0, 3, 4, 5, 7, 8, 12, 15];
    for (index, (memory, memory_text)) in memories().into_iter().enumerate() {
        let register = registers[index % registers.len()];
        let quad = format!("qword ptr {memory_text}");
        for (form, encode) in WITH_SOURCE.iter().chain(SOURCE_ONLY) {
            let text = with_register(form, register).replace("{s}", &quad);
            expect(&text, |e| encode(e, register, Source::Memory(memory)));
        }
        for (form, size, encode) in VECTOR_SOURCE {
            let source =
                if *size == "q" { quad.clone() } else { format!("xmmword ptr {memory_text}") };
            let text = with_register(form, register).replace("{v}", &source);
            expect(&text, |e| encode(e, register, Source::Memory(memory)));
        }
        for (form, encode) in WITH_MEMORY.iter().chain(MEMORY_ONLY) {
            let text = with_register(form, register).replace("{m}", &memory_text);
            expect(&text, |e| encode(e, register, memory));
        }
    }
}

#[test]
fn flags() {
    const NAMES: [(Flag, &str); 13] = [
        (Flag::BELOW, "b"),
        (Flag::ABOVE_OR_EQUAL, "ae"),
        (Flag::EQUAL, "e"),
        (Flag::NOT_EQUAL, "ne"),
        (Flag::BELOW_OR_EQUAL, "be"),
        (Flag::ABOVE, "a"),
        (Flag::NEGATIVE, "s"),
        (Flag::UNORDERED, "p"),
        (Flag::ORDERED, "np"),
        (Flag::LESS, "l"),
        (Flag::GREATER_OR_EQUAL, "ge"),
        (Flag::LESS_OR_EQUAL, "le"),
        (Flag::GREATER, "g"),
    ];
    for (flag, name) in NAMES {
        expect(&format!("cmov{name} rcx, r9"), |e| {
            e.move_if(flag, General(1), Source::Register(General(9)));
        });
        expect(&format!("set{name} dl"), |e| e.set_if(flag, General(2)));
        assert_eq!(flag.inverse().inverse(), flag);
    }
    expect("and al, dl", |e| e.combine_bytes(Arithmetic::And, General(0), General(2)));
    expect("or al, dl", |e| e.combine_bytes(Arithmetic::Or, General(0), General(2)));
    expect("cqo", Encoder::extend_sign);
    expect("ret", Encoder::ret);
}

/// All instructions of finished code, with their offsets.
fn listing(code: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut formatter = IntelFormatter::new();
    set_options(formatter.options_mut());
    formatter.options_mut().set_rip_relative_addresses(false);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_show_branch_size(false);
    let mut lines = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        let mut text = format!("{:x}: ", instruction.ip());
        formatter.format(&instruction, &mut text);
        lines.push(text);
    }
    lines
}

/// The jumps among instructions, with their targets.
fn jumps_of(code: &[u8]) -> Vec<String> {
    let jumps = listing(code).into_iter().filter(|line| !line.contains("nop"));
    jumps.collect()
}

#[test]
fn jumps() {
    let mut encoder = Encoder::default();
    let [start, end, past, same] = [0; 4].map(|_| encoder.label());
    encoder.bind(start);
    encoder.jump_if(Flag::LESS, end);
    encoder.jump_if(Flag::EQUAL, past);
    encoder.jump(start);
    encoder.bind(past);
    encoder.jump_if(Flag::NEGATIVE, start);
    encoder.bind(end);
    encoder.bind_same(same, start);
    (0..128).for_each(|_| encoder.byte(0x90));
    encoder.jump_if(Flag::GREATER, start);
    encoder.jump(same);
    // A jump to the next instruction is dropped if it has no condition.
    let next = encoder.label();
    encoder.jump_if(Flag::BELOW, next);
    encoder.jump(next);
    encoder.bind(next);
    assert_eq!(
        jumps_of(&encoder.finish().bytes),
        [
            "0: jl 0x8",
            "2: je 0x6",
            "4: jmp 0x0",
            "6: js 0x0",
            "88: jg 0x0",
            "8e: jmp 0x0",
            "93: jb 0x95"
        ]
    );
}

/// The short form is used up to its limits.
#[test]
fn short_and_long_jumps() {
    for (count, size) in [(127, 2), (128, 6)] {
        let mut encoder = Encoder::default();
        let end = encoder.label();
        encoder.jump_if(Flag::LESS, end);
        (0..count).for_each(|_| encoder.byte(0x90));
        encoder.bind(end);
        let expected = format!("0: jl {}", number(count + size));
        assert_eq!(jumps_of(&encoder.finish().bytes), [expected]);
    }
    for (count, size) in [(126, 2), (127, 5)] {
        let mut encoder = Encoder::default();
        let start = encoder.label();
        encoder.bind(start);
        (0..count).for_each(|_| encoder.byte(0x90));
        encoder.jump(start);
        let code = encoder.finish().bytes;
        assert_eq!(code.len(), count + size);
        assert_eq!(jumps_of(&code), [format!("{count:x}: jmp 0x0")]);
    }
}

/// Constants are found from instructions with and without an immediate operand, after jumps.
#[test]
fn constants() {
    let mut encoder = Encoder::default();
    let start = encoder.label();
    encoder.bind(start);
    encoder.jump(start);
    let values = [0x1111_2222_3333_4444, 5, 0x1111_2222_3333_4444];
    for (value, register) in values.into_iter().zip([0, 9, 2]) {
        let constant = encoder.constant(value);
        encoder.move_double(Vector(register), Source::Memory(constant));
        encoder.arithmetic_constant(Arithmetic::Compare, Source::Memory(constant), -1);
        encoder.multiply_constant(General(register), Source::Memory(constant), 1000);
    }
    let code = encoder.finish().bytes;
    let mut decoder = Decoder::with_ip(64, &code, 0, DecoderOptions::NONE);
    assert_eq!(decoder.decode().len(), 2);
    for value in values {
        for _ in 0..3 {
            let place = decoder.decode().memory_displacement64() as usize;
            assert_eq!(code[place..place + 8], value.to_le_bytes());
            assert!(place + 16 <= code.len());
        }
    }
}
