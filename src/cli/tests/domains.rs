use super::stage::Stage;
use crate::cli::client::canned::Canned;
use serde_json::{Value, json};

fn domain(hostname: &str, kind: &str, status: &str) -> Value {
    let cname = if kind == "custom" { json!("shop.paas.example.com") } else { Value::Null };
    json!({
        "acm_status": null, "acm_status_reason": null, "app": { "id": "1", "name": "shop" }, "cname": cname,
        "created_at": "2026-11-22T22:00:00Z", "hostname": hostname, "id": hostname, "kind": kind,
        "sni_endpoint": null, "status": status, "updated_at": "2026-11-22T22:00:00Z",
    })
}

fn custom(hostname: &str) -> Value {
    domain(hostname, "custom", "succeeded")
}

fn all() -> Canned {
    let all = json!([
        custom("www.example.com"),
        domain("shop.paas.example.com", "heroku", "none"),
        custom("example.com")
    ]);
    Canned::json("GET /apps/shop/domains", &all)
}

#[tokio::test]
async fn domains_are_listed_with_what_the_dns_needs() {
    insta::assert_snapshot!(Stage::with([all()]).await.typed("domains -a shop").await, @r"
    exit 0
    --- out
    === shop Hokku Domain

    shop.paas.example.com

    === shop Custom Domains

    Domain Name      DNS Record Type  DNS Target
    example.com      ALIAS or ANAME   shop.paas.example.com
    www.example.com  CNAME            shop.paas.example.com
    --- err
    ");
    let own = json!([domain("shop.paas.example.com", "heroku", "none")]);
    let own = Canned::json("GET /apps/shop/domains", &own);
    insta::assert_snapshot!(Stage::with([own]).await.typed("domains -a shop").await, @r"
    exit 0
    --- out
    === shop Hokku Domain

    shop.paas.example.com
    --- err
    ");
    let told = Stage::with([all()]).await.typed("domains --json -a shop").await;
    assert_eq!(told.matches("\"hostname\"").count(), 3, "{told}");
}

#[tokio::test]
async fn domains_are_added_one_after_the_other() {
    let stage = Stage::with([
        Canned::json("POST /apps/shop/domains", &custom("www.example.com")).with_status(201),
        Canned::json("POST /apps/shop/domains", &custom("example.com")).with_status(201),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("domains:add www.example.com example.com -a shop").await, @r"
    exit 0
    --- out
      www.example.com  CNAME           shop.paas.example.com
      example.com      ALIAS or ANAME  shop.paas.example.com
    --- err
    Adding www.example.com to ⬢ shop... done
    Adding example.com to ⬢ shop... done
    Make these entries at the provider of your DNS:
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    POST /apps/shop/domains [authorization: Bearer t0ken] <- {"hostname":"www.example.com","sni_endpoint":null}
    POST /apps/shop/domains [authorization: Bearer t0ken] <- {"hostname":"example.com","sni_endpoint":null}
    "#);
}

#[tokio::test]
async fn a_domain_of_another_app_is_refused() {
    let taken = "www.example.com is currently in use by another app.";
    let taken = Canned::refusal("POST /apps/shop/domains", 422, "invalid_params", taken);
    insta::assert_snapshot!(Stage::with([taken]).await.typed("domains add www.example.com -a shop").await, @r"
    exit 1
    --- out
    --- err
    Adding www.example.com to ⬢ shop... failed
     !     www.example.com is currently in use by another app.
    ");
}

#[tokio::test]
async fn a_platform_for_one_machine_says_so() {
    let mut local = custom("www.example.com");
    local["cname"] = "shop.localhost".into();
    let added = Canned::json("POST /apps/shop/domains", &local).with_status(201);
    insta::assert_snapshot!(Stage::with([added]).await.typed("domains add www.example.com -a shop").await, @r"
    exit 0
    --- out
      www.example.com  CNAME  shop.localhost
    --- err
    Adding www.example.com to ⬢ shop... done
    Make these entries at the provider of your DNS:
    Only this machine knows names below localhost: a platform for others is started with `hokku up --domain paas.example.com`.
    ");
}

#[tokio::test]
async fn domains_are_removed() {
    let gone = |request| Canned::json(request, &custom("www.example.com"));
    let stage = Stage::with([gone("DELETE /apps/shop/domains/www.example.com")]).await;
    insta::assert_snapshot!(stage.typed("domains:remove www.example.com -a shop").await, @r"
    exit 0
    --- out
    --- err
    Removing www.example.com from ⬢ shop... done
    ");
    let stage = Stage::with([
        all(),
        gone("DELETE /apps/shop/domains/www.example.com"),
        gone("DELETE /apps/shop/domains/example.com"),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("domains:clear -a shop").await, @r"
    exit 0
    --- out
    --- err
    Removing www.example.com from ⬢ shop... done
    Removing example.com from ⬢ shop... done
    ");
    let own = Canned::json("GET /apps/shop/domains", &json!([domain("shop.localhost", "heroku", "none")]));
    insta::assert_snapshot!(Stage::with([own]).await.typed("domains clear -a shop").await, @r"
    exit 0
    --- out
    --- err
    ⬢ shop has no domain but its own
    ");
}

#[tokio::test]
async fn one_domain_is_shown() {
    let one = Canned::json("GET /apps/shop/domains/www.example.com", &custom("www.example.com"));
    insta::assert_snapshot!(Stage::with([one]).await.typed("domains:info www.example.com -a shop").await, @r"
    exit 0
    --- out
    === www.example.com

    App:             shop
    Added At:        2026/11/22 22:00:00 +0000 (~ 3m ago)
    DNS Record Type: CNAME
    DNS Target:      shop.paas.example.com
    --- err
    ");
    let own = domain("shop.paas.example.com", "heroku", "none");
    let own = Canned::json("GET /apps/shop/domains/shop.paas.example.com", &own);
    insta::assert_snapshot!(Stage::with([own]).await.typed("domains info shop.paas.example.com -a shop").await, @r"
    exit 0
    --- out
    === shop.paas.example.com

    App:  shop
    Kind: the app's own, which it always has
    --- err
    ");
}

#[tokio::test]
async fn a_domain_is_waited_for() {
    let info = |status| {
        let domain = domain("www.example.com", "custom", status);
        Canned::json("GET /apps/shop/domains/www.example.com", &domain)
    };
    let stage = Stage::with([info("pending"), info("pending"), info("succeeded")]).await;
    insta::assert_snapshot!(stage.typed("domains:wait www.example.com -a shop").await, @r"
    exit 0
    --- out
    --- err
    Waiting for www.example.com of ⬢ shop... done
    ");
    assert_eq!(stage.asked().lines().count(), 3);
    insta::assert_snapshot!(Stage::with([info("failed")]).await.typed("domains wait www.example.com -a shop").await, @r"
    exit 1
    --- out
    --- err
    Waiting for www.example.com of ⬢ shop... failed
     !     www.example.com could not be set up; remove it and add it again
    ");
    let own = domain("shop.localhost", "heroku", "none");
    let stage = Stage::with([
        Canned::json("GET /apps/shop/domains", &json!([own.clone()])),
        Canned::json("GET /apps/shop/domains/shop.localhost", &own),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("domains wait -a shop").await, @r"
    exit 0
    --- out
    --- err
    Waiting for shop.localhost of ⬢ shop... done
    ");
}
