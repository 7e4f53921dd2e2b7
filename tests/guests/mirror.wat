;; A guest for tests: answers with a mark of its code (`code-000`, which a test may change), and then with its
;; environment, a variable a line.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer 1 $error-type (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8))
        (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:http/types@0.2.0" (instance $http
    (export "fields" (type $fields (sub resource)))
    (export "headers" (type $headers (eq $fields)))
    (export "trailers" (type $trailers (eq $fields)))
    (type $field-key' string)
    (export "field-key" (type $field-key (eq $field-key')))
    (type $field-value' (list u8))
    (export "field-value" (type $field-value (eq $field-value')))
    (type $header-error' (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $header-error')))
    (export "incoming-request" (type $incoming-request (sub resource)))
    (export "response-outparam" (type $response-outparam (sub resource)))
    (export "outgoing-response" (type $outgoing-response (sub resource)))
    (export "outgoing-body" (type $outgoing-body (sub resource)))
    (alias outer 1 $output-stream (type $outer-output-stream))
    (export "output-stream" (type $output-stream (eq $outer-output-stream)))
    (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns')))
    (type $tls' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $tls (eq $tls')))
    (type $size' (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size')))
    (type $error-code' (variant
      (case "DNS-timeout") (case "DNS-error" $dns) (case "destination-not-found")
      (case "destination-unavailable") (case "destination-IP-prohibited") (case "destination-IP-unroutable")
      (case "connection-refused") (case "connection-terminated") (case "connection-timeout")
      (case "connection-read-timeout") (case "connection-write-timeout") (case "connection-limit-reached")
      (case "TLS-protocol-error") (case "TLS-certificate-error") (case "TLS-alert-received" $tls)
      (case "HTTP-request-denied") (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64)) (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32)) (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32)) (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete") (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size) (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32)) (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string)) (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error")
      (case "loop-detected") (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type $error-code (eq $error-code')))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[constructor]outgoing-response"
      (func (param "headers" (own $headers)) (result (own $outgoing-response))))
    (export "[method]outgoing-response.body"
      (func (param "self" (borrow $outgoing-response)) (result (result (own $outgoing-body)))))
    (export "[method]outgoing-body.write"
      (func (param "self" (borrow $outgoing-body)) (result (result (own $output-stream)))))
    (export "[static]outgoing-body.finish"
      (func (param "this" (own $outgoing-body)) (param "trailers" (option (own $trailers)))
        (result (result (error $error-code)))))
    (export "[static]response-outparam.set"
      (func (param "param" (own $response-outparam))
        (param "response" (result (own $outgoing-response) (error $error-code)))))))
  (alias export $http "incoming-request" (type $incoming-request))
  (alias export $http "response-outparam" (type $response-outparam))

  ;; What the host writes by itself lies from 4096 on, each request's in the place of the one before.
  (core module $Memory
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 4096))
    (func (export "reset") (global.set $next (i32.const 4096)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $Memory))

  (core func $environ
    (canon lower (func $environment "get-environment") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $fields-new (canon lower (func $http "[constructor]fields")))
  (core func $response-new (canon lower (func $http "[constructor]outgoing-response")))
  (core func $response-body
    (canon lower (func $http "[method]outgoing-response.body") (memory (core memory $memory "memory"))))
  (core func $body-write
    (canon lower (func $http "[method]outgoing-body.write") (memory (core memory $memory "memory"))))
  (core func $body-finish
    (canon lower (func $http "[static]outgoing-body.finish") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $outparam-set
    (canon lower (func $http "[static]response-outparam.set") (memory (core memory $memory "memory"))))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
      (memory (core memory $memory "memory"))))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $drop-request (canon resource.drop $incoming-request))

  ;; The guest itself. Host functions that give a result write it at address 0.
  (core module $App
    (import "host" "memory" (memory 1))
    (import "host" "reset" (func $reset))
    (import "host" "environ" (func $environ (param i32)))
    (import "host" "fields-new" (func $fields-new (result i32)))
    (import "host" "response-new" (func $response-new (param i32) (result i32)))
    (import "host" "response-body" (func $response-body (param i32 i32)))
    (import "host" "body-write" (func $body-write (param i32 i32)))
    (import "host" "body-finish" (func $body-finish (param i32 i32 i32 i32)))
    (import "host" "outparam-set" (func $outparam-set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (import "host" "drop-request" (func $drop-request (param i32)))
    (data (i32.const 200) "code-000\n=")
    (global $stream (mut i32) (i32.const 0))

    (func $print (param $at i32) (param $length i32)
      (call $write (global.get $stream) (local.get $at) (local.get $length) (i32.const 16)))

    ;; A list of pairs of texts: four words each.
    (func $variables (param $at i32) (param $count i32)
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (call $print (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
        (call $print (i32.const 209) (i32.const 1))
        (call $print (i32.load offset=8 (local.get $at)) (i32.load offset=12 (local.get $at)))
        (call $print (i32.const 208) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

    (func (export "handle") (param $request i32) (param $out i32)
      (local $response i32) (local $body i32)
      (call $reset)
      (local.set $response (call $response-new (call $fields-new)))
      (call $response-body (local.get $response) (i32.const 0))
      (local.set $body (i32.load (i32.const 4)))
      (call $body-write (local.get $body) (i32.const 0))
      (global.set $stream (i32.load (i32.const 4)))
      (call $outparam-set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $print (i32.const 200) (i32.const 9))
      (call $environ (i32.const 0))
      (call $variables (i32.load (i32.const 0)) (i32.load (i32.const 4)))
      (call $drop-stream (global.get $stream))
      (call $body-finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $drop-request (local.get $request))))

  (core instance $app (instantiate $App (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "reset" (func $memory "reset"))
    (export "environ" (func $environ))
    (export "fields-new" (func $fields-new))
    (export "response-new" (func $response-new))
    (export "response-body" (func $response-body))
    (export "body-write" (func $body-write))
    (export "body-finish" (func $body-finish))
    (export "outparam-set" (func $outparam-set))
    (export "write" (func $write))
    (export "drop-stream" (func $drop-stream))
    (export "drop-request" (func $drop-request))))))

  ;; What the app offers.
  (func $handle (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))
    (canon lift (core func $app "handle")))
  (component $Handler
    (import "handle-types" (instance $types
      (export "incoming-request" (type (sub resource)))
      (export "response-outparam" (type (sub resource)))))
    (alias export $types "incoming-request" (type $incoming-request'))
    (alias export $types "response-outparam" (type $response-outparam'))
    (import "handle-function"
      (func $handle (param "request" (own $incoming-request')) (param "response-out" (own $response-outparam'))))
    (export "handle" (func $handle)))
  (instance $handler (instantiate $Handler
    (with "handle-types" (instance
      (export "incoming-request" (type $incoming-request))
      (export "response-outparam" (type $response-outparam))))
    (with "handle-function" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
