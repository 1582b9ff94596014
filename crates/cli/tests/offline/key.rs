//! `symbolon key`.

use crate::support::{World, mode};

/// A private key, its public half and its fingerprint, as another system's documents state them.
const PRIVATE: &str = "1b210d1412d412bc6d0ce767bd2795353377f568ac3cbad1850797cd36180449";
const PUBLIC: &str = "c600494b2ba7254dbfc160ea9f36dbe8b111e7170592f95dba2c2f6ca64caf4aa4e5e6f9b6d82e7b1376fad7c418831689182832f7e25f15fa2a2b6dcb5159eb";
const FINGERPRINT: &str = "a888cdf9fba93f6e2d1b3aa799204eb22f820b2e58519d5573062590895fd184";

#[test]
fn a_key_goes_into_a_private_file_and_its_public_half_is_printed() {
    for (form, begins) in [("pem", "-----BEGIN PUBLIC KEY-----"), ("jwk", "{\"crv\":\"P-256\""), ("hex", "")] {
        let world = World::new();
        let made = world.run(&["key", "generate", "--out", "keys/mine", "--form", form]).good();
        assert!(made.out.starts_with(begins), "{made:?}");
        let private = world.read("keys/mine");
        assert!(!made.out.contains(private.trim()) && !made.err.contains(private.trim()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let bits = std::fs::metadata(world.path("keys/mine")).unwrap().permissions().mode();
            assert_eq!(bits & 0o777, 0o600);
        }
        let again = world.run(&["key", "generate", "--public-only", "keys/mine", "--form", form]).good();
        assert_eq!(again.out, made.out, "the public half of the same key");

        let before = world.files();
        world.run(&["key", "generate", "--out", "keys/mine"]).fails(2, "is there already");
        assert_eq!(world.files(), before, "nothing changed");
    }
}

#[test]
fn the_form_is_that_of_the_profile() {
    let world = World::new();
    let key = world.write("key", PRIVATE);
    let of = |profile| world.run(&["key", "generate", "--public-only", &key, "--profile", profile]);
    assert_eq!(of("devguard").good().out.trim(), PUBLIC);
    assert!(of("symbolon").good().out.starts_with("-----BEGIN PUBLIC KEY-----"));
    of("nothing").fails(2, "There is no profile nothing");
}

#[test]
fn a_key_is_shown_by_its_public_half_and_names() {
    let world = World::new();
    let key = world.write("key", PRIVATE);
    let shown = world.run(&["key", "show", &key, "--form", "hex"]).good();
    assert!(shown.out.contains(FINGERPRINT) && shown.out.contains(PUBLIC) && !shown.out.contains(PRIVATE), "{shown:?}");
    let json = world.run(&["key", "show", &key, "--form", "hex", "--json"]).good().json();
    assert_eq!(json["fingerprint"], FINGERPRINT);
    assert_eq!(json["public_key"], PUBLIC);
    assert_eq!(world.pipe(&["key", "show", "-", "--form", "hex"], PUBLIC).good().out, shown.out);
}

#[test]
fn a_key_is_converted_from_any_form_to_any() {
    let world = World::new();
    let mut at = world.write("0", PRIVATE);
    for (step, form) in ["pem", "jwk", "hex", "jwk", "pem", "hex"].into_iter().enumerate() {
        let to = world.path(&format!("{}", step + 1)).display().to_string();
        let done = world.run(&["key", "convert", &at, "--to", form, "--out", &to]).good();
        assert_eq!(done.out, "");
        at = to;
    }
    assert_eq!(std::fs::read_to_string(&at).unwrap().trim(), PRIVATE);
    let public = world.run(&["key", "convert", &at, "--to", "jwk", "--public-only"]).good().out;
    assert!(!public.contains("\"d\""), "{public}");
    assert_eq!(world.pipe(&["key", "convert", "-", "--to", "hex"], &public).good().out.trim(), PUBLIC);
    world.run(&["key", "convert", &at, "--to", "pem"]).fails(2, "--out FILE");
    let before = world.files();
    world.run(&["key", "convert", &at, "--to", "pem", "--out", &at]).fails(2, "is there already");
    assert_eq!(world.files(), before, "nothing changed");
}

#[test]
fn what_is_no_key_is_refused_without_showing_it() {
    let world = World::new();
    let zero = "0".repeat(64);
    for text in ["nonsense", &zero, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "{}", ""] {
        let key = world.write("key", text);
        for command in ["show", "convert"] {
            let arguments = ["key", command, &key, "--to", "pem"];
            let finished = world.run(if command == "show" { &arguments[..3] } else { &arguments });
            assert_eq!(finished.code, 2, "{text:?}: {finished:?}");
            assert!(text.is_empty() || !finished.err.contains(text), "{finished:?}");
        }
    }
    world.run(&["key", "show", "missing"]).fails(9, "missing");
    world.run(&["key", "generate"]).fails(2, "--out");
    world.run(&["key", "generate", "--out", "a", "--form", "der"]).fails(2, "der");
    let large = world.write("large", "a".repeat(9000));
    world.run(&["key", "show", &large]).fails(2, "larger than");
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let world = World::new();
    let key = world.write("key", PRIVATE);
    mode(&world.path("key"), 0o644);
    world.run(&["key", "generate", "--public-only", &key]).fails(9, "chmod 600");
    world.run(&["request", "GET", "https://api.example/", "--dry-run", "--private-key", &key]).fails(9, "chmod 600");
    // What comes through a pipe has nobody else at its end.
    let piped = ["request", "GET", "https://api.example/", "--dry-run", "--private-key", "-"];
    world.pipe(&piped, PRIVATE).good();
}
