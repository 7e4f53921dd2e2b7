//! User stories, driven through the real binary as a user does it: real examples, real toolchains, free ports.

mod accounts;
mod backup;
mod build;
mod busy;
mod clients;
mod commands;
mod crashes;
mod everyday;
mod fixture;
mod flask;
mod git;
mod git_client;
mod hello;
mod one_off;
mod operator;
mod platform;
mod platform_fixture;
mod python_apps;
mod rebuild;
mod run;
mod service_manager;
mod static_site;
mod tls;

type TestResult = Result<(), Box<dyn std::error::Error>>;
