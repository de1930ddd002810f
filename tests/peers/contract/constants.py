"""A program that prints every constant of a header of the contract, and the size of every struct.

constants.py HEADER (c | rust) INCLUDE_FOLDER...   the program's source, on standard output

Both languages print the same lines, so that what a generator of bindings makes of the header can be
compared with what a C compiler does. In Rust a constant or struct that it dropped does not compile.
"""

import re
import subprocess
import sys

header, language = sys.argv[1:3]
flags = [f"-I{folder}" for folder in sys.argv[3:]]


def preprocess(*options: str) -> str:
    return subprocess.run(
        ["cc", "-x", "c", *options, *flags, header], check=True, capture_output=True, text=True
    ).stdout


macros = re.findall(r"^#define (MXD_\w+) +(\S.*)$", preprocess("-E", "-dM"), re.M)
numbers = sorted(name for name, value in macros if not value.startswith('"'))
texts = sorted(name for name, value in macros if value.startswith('"'))
structs = sorted(set(re.findall(r"\btypedef struct (mxd_\w+) \{", preprocess("-E"))))
if len(numbers) < 60 or not texts or len(structs) < 20:
    sys.exit(f"constants: {header} has {len(numbers)} numbers and {len(structs)} structs: too few")

if language == "c":
    print(f'#include "{header}"\n#include <stdio.h>\nint main(void) {{')
    for name in numbers:
        print(f'  printf("{name} %lld\\n", (long long){name});')
    for name in texts:
        print(f'  printf("{name} %s\\n", {name});')
    for name in structs:
        print(f'  printf("{name} %zu\\n", sizeof({name}));')
    print("}")
else:
    print('include!("bindings.rs");\nfn main() {')
    for name in numbers:
        print(f'    println!("{name} {{}}", {name} as i64);')
    for name in texts:
        print(f"    let text = std::ffi::CStr::from_bytes_with_nul(&{name}[..]).unwrap();")
        print(f'    println!("{name} {{}}", text.to_str().unwrap());')
    for name in structs:
        print(f'    println!("{name} {{}}", std::mem::size_of::<{name}>());')
    print("}")
