//! Every constant, size, offset and slot is what a C compiler makes of `matrix_devices/module.h`, and
//! nothing that the header has is missing here.

use std::collections::BTreeMap;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use matrix_devices_sys::*;

type Facts = BTreeMap<String, i128>;

macro_rules! constants {
    ($facts:ident: $($name:ident)*) => {
        $($facts.insert(stringify!($name).to_string(), $name as i128);)*
    };
}

macro_rules! layouts {
    ($facts:ident: $($record:ident { $($field:ident)* })*) => {$(
        let name = stringify!($record);
        $facts.insert(format!("sizeof {name}"), size_of::<$record>() as i128);
        $facts.insert(format!("alignof {name}"), align_of::<$record>() as i128);
        $(
            let field = stringify!($field).trim_start_matches("r#");
            $facts.insert(format!("{name}.{field}"), offset_of!($record, $field) as i128);
        )*
    )*};
}

fn in_rust() -> Facts {
    let mut facts = Facts::new();
    constants! { facts:
        MXD_ABI_MINOR MXD_WORD MXD_TEXT MXD_OK MXD_NOT_MINE MXD_CREATED MXD_NOT_FOUND
        MXD_UNKNOWN_TOKEN MXD_TOKEN_EXPIRED MXD_USER_LOCKED MXD_FORBIDDEN MXD_UNKNOWN_DEVICE
        MXD_LIMIT_EXCEEDED MXD_REFUSED MXD_BAD_DATA MXD_HOST_ERROR MXD_CONFLICT MXD_INTERNAL
        MXD_UNAVAILABLE MXD_TIMEOUT MXD_CANCELLED MXD_NO_MEMORY MXD_INVALID_ARGUMENT
        MXD_STALE MXD_BUSY MXD_UNSUPPORTED MXD_LOG_DEBUG MXD_LOG_INFO MXD_LOG_WARNING
        MXD_LOG_ERROR MXD_LOG_HOST_MISBEHAVING MXD_REQUEST_BODY_TOO_LARGE
        MXD_PRINCIPAL_GUEST MXD_PRINCIPAL_APPSERVICE MXD_PRINCIPAL_OAUTH
        MXD_PRINCIPAL_UNLIMITED MXD_PRINCIPAL_HAS_VALIDATED_MS MXD_DEVICE_HAS_DISPLAY_NAME
        MXD_DEVICE_HAS_LAST_SEEN_IP MXD_DEVICE_HAS_LAST_SEEN_TS MXD_STAGE_PROVES_NOBODY
        MXD_CREDENTIALS_HAS_USER_ID MXD_CREDENTIALS_HAS_DEVICE_ID
        MXD_UPDATE_SET_DISPLAY_NAME MXD_UIA_FINISHED MXD_ATTEMPT_HAS_USER
        MXD_ATTEMPT_HAS_THIRDPARTY MXD_ATTEMPT_HAS_COUNTRY MXD_ATTEMPT_HAS_PASSWORD
        MXD_CAP_MUST_UNDERSTAND_FROM MXD_REQUEST_SIZE_1_0 MXD_RESPONSE_SIZE_1_0
        MXD_ROUTE_SIZE_1_0 MXD_PRINCIPAL_SIZE_1_0 MXD_DEVICE_SIZE_1_0 MXD_UIA_STAGE_SIZE_1_0
        MXD_UIA_KEPT_SIZE_1_0 MXD_UIA_COMPLETED_SIZE_1_0 MXD_ERROR_SIZE_1_0
        MXD_CREDENTIALS_SIZE_1_0 MXD_DEVICE_QUERY_SIZE_1_0 MXD_DEVICE_KEY_SIZE_1_0
        MXD_DEVICE_UPDATE_SIZE_1_0 MXD_DELETION_SIZE_1_0 MXD_UIA_OPERATION_SIZE_1_0
        MXD_UIA_SESSION_SIZE_1_0 MXD_UIA_SESSION_KEY_SIZE_1_0 MXD_UIA_REPLACEMENT_SIZE_1_0
        MXD_UIA_ATTEMPT_SIZE_1_0 MXD_VALIDATION_SIZE_1_0 MXD_LIMIT_REQUEST_SIZE_1_0
        MXD_HOST_SIZE_1_0 MXD_MODULE_SIZE_1_0
    }
    layouts! { facts:
        mxd_view { data size }
        mxd_header { name value }
        mxd_limit { burst interval_ms name key }
        mxd_request { size flags cookie headers header_count method target body remote_addr }
        mxd_response { size http_status headers header_count body }
        mxd_route { size reserved methods path }
        mxd_principal {
            size flags validated_ms user_id device_id token_id service_id cookie
            reserved
        }
        mxd_device { size flags last_seen_ts_ms device_id display_name last_seen_ip }
        mxd_uia_stage { size flags flow reserved r#type params }
        mxd_uia_kept { size flags revision state }
        mxd_uia_completed { size flags r#type identity }
        mxd_error { size http_status retry_after_ms errcode text extra_json }
        mxd_credentials { size flags access_token user_id device_id remote_addr }
        mxd_device_query { size flags user_id }
        mxd_device_key { size flags user_id device_id }
        mxd_device_update { size flags max_devices user_id device_id display_name }
        mxd_deletion { size flags device_ids device_id_count user_id }
        mxd_uia_operation { size flags user_id device_id method endpoint }
        mxd_uia_session {
            size flags expires_ms max_live reserved proposed_id user_id device_id
            token_id state method endpoint target description
        }
        mxd_uia_session_key { size flags session_id }
        mxd_uia_replacement { size flags revision expires_ms session_id user_id state }
        mxd_uia_attempt {
            size flags user_id device_id session_id r#type remote_addr user medium
            address country password auth_json
        }
        mxd_validation { size flags validated_ms user_id device_id token_id }
        mxd_limit_request { size flags units reserved limits limit_count }
        mxd_host {
            size abi_minor caps cookie reserved respond authenticate list_devices
            get_device rename_device delete_devices uia_flows uia_create_session
            uia_load_session uia_replace_session uia_check put_device mark_validated
            take_limit cancel_operation release_principal now_ms random_bytes log
            get_extension
        }
        mxd_module {
            size abi_minor caps product_version create destroy shutdown abandon handle
            cancel r#match max_body_bytes route complete emit_principal emit_device
            emit_stage emit_session_id emit_session emit_completed emit_identity
            emit_reason emit_retry_after emit_error get_extension
        }
    }
    for (name, size) in [
        ("mxd_op", size_of::<mxd_op>()),
        ("mxd_request_token", size_of::<mxd_request_token>()),
        ("mxd_cookie", size_of::<mxd_cookie>()),
    ] {
        facts.insert(format!("sizeof {name}"), size as i128);
    }
    facts
}

fn folder_of_the_header() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../abi/include")
}

/// The header without its comments.
fn declarations() -> String {
    let header = fs::read_to_string(folder_of_the_header().join("matrix_devices/module.h"));
    let header = header.expect("the test runs in a checkout");
    let mut rest = header.as_str();
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept += before;
        rest = comment.split_once("*/").expect("a comment ends").1;
    }
    kept + rest
}

/// The name that a declaration of a field or slot gives: `int32_t (*match)(…)`, `mxd_view key`.
fn name_of(declaration: &str) -> &str {
    let name = match declaration.split_once("(*") {
        Some((_, slot)) => slot.split(')').next(),
        None => declaration.rsplit([' ', '*']).next(),
    };
    name.expect("a declaration has a name").trim()
}

/// A line of C that prints each thing that the header declares.
fn printing_lines(header: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let print = |what: &str, value: &str| {
        format!("  printf(\"%s=%lld\\n\", \"{what}\", (long long)({value}));\n")
    };
    for line in header.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("#define") {
            continue;
        }
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        if name.starts_with("MXD_") && !name.contains('(') && value.starts_with(['(', '-', '0'])
            || name.starts_with("MXD_") && value.starts_with(|c: char| c.is_ascii_digit())
        {
            lines.push(print(name, name));
        }
    }
    for part in header.split("typedef struct ").skip(1) {
        let Some((name, rest)) = part.split_once(" {") else { continue };
        let (fields, _) = rest.split_once("\n}").expect("a struct ends");
        lines.push(print(&format!("sizeof {name}"), &format!("sizeof({name})")));
        lines.push(print(&format!("alignof {name}"), &format!("_Alignof({name})")));
        for declaration in fields.split(';').map(str::trim).filter(|each| !each.is_empty()) {
            let field = name_of(declaration);
            lines.push(print(&format!("{name}.{field}"), &format!("offsetof({name}, {field})")));
        }
    }
    for name in ["mxd_op", "mxd_request_token", "mxd_cookie"] {
        lines.push(print(&format!("sizeof {name}"), &format!("sizeof({name})")));
    }
    lines
}

fn in_c() -> Facts {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("header.c"), folder.join("header"));
    let lines = printing_lines(&declarations()).concat();
    let text = format!(
        "#include <matrix_devices/module.h>\n#include <stdio.h>\nint main(void) {{\n{lines}  \
         printf(\"entry %s=0\\n\", MXD_ENTRY_V1);\n}}\n"
    );
    fs::write(&source, text).expect("the target folder can be written to");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_string());
    let done = Command::new(compiler)
        .args(["-std=c11", "-Werror", "-I"])
        .arg(folder_of_the_header())
        .args([&source, Path::new("-o"), &program])
        .status();
    assert!(done.expect("a C compiler is installed").success(), "{}", source.display());
    let printed = Command::new(&program).output().expect("the program runs").stdout;
    let printed = String::from_utf8(printed).expect("it prints text");
    let fact = |line: &str| {
        let (what, value) = line.split_once('=').expect("what=value");
        (what.to_string(), value.parse().expect("a number"))
    };
    printed.lines().map(fact).collect()
}

#[test]
fn everything_is_as_in_the_header() {
    let (mut rust, c) = (in_rust(), in_c());
    rust.insert(format!("entry {}", MXD_ENTRY_V1.to_str().expect("ASCII")), 0);
    assert!(c.len() > 250, "only {} facts were found in the header", c.len());
    let differing: Vec<String> = (c.keys().chain(rust.keys()))
        .filter(|what| c.get(*what) != rust.get(*what))
        .map(|what| format!("{what}: {:?} in C, {:?} here", c.get(what), rust.get(what)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
