;; A guest for tests: the second character of the path says what it does.
;;
;;   /h  hello                        /c  counts the requests of this instance: "1", "2", ...
;;   /w  waits 300 ms, then hello     /e  echoes the request's body as it comes
;;   /l  a line on stdout, then hello /f  floods stdout without end
;;   /s  spins without end            /t  traps before it answers
;;   /n  returns without an answer    /m  traps in the middle of its answer
;;   /x  exits with status 1          /b  answers 1 MiB in 256 chunks
;;   /p  a line on stdout, then as /w /q  a line on stdout, then as /s
;;   /g  grows its memory without end, then traps
(component
  ;; What the host offers. Each type is spelled out, because a component is checked against its host.
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer-pollable))
    (export "pollable" (type $pollable (eq $outer-pollable)))
    (type $duration' u64)
    (export "duration" (type $duration (eq $duration')))
    (export "subscribe-duration" (func (param "when" $duration) (result (own $pollable))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $input-stream (sub resource)))
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer 1 $error-type (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8))
        (result (result (error $stream-error)))))
    (export "[method]output-stream.blocking-splice"
      (func (param "self" (borrow $output-stream)) (param "src" (borrow $input-stream)) (param "len" u64)
        (result (result u64 (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (alias export $streams "input-stream" (type $input-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer-output-stream))
    (export "output-stream" (type $output-stream (eq $outer-output-stream)))
    (export "get-stdout" (func (result (own $output-stream))))))
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
    (export "incoming-body" (type $incoming-body (sub resource)))
    (alias outer 1 $input-stream (type $outer-input-stream))
    (export "input-stream" (type $input-stream (eq $outer-input-stream)))
    (export "[method]incoming-request.path-with-query"
      (func (param "self" (borrow $incoming-request)) (result (option string))))
    (export "[method]incoming-request.consume"
      (func (param "self" (borrow $incoming-request)) (result (result (own $incoming-body)))))
    (export "[method]incoming-body.stream"
      (func (param "self" (borrow $incoming-body)) (result (result (own $input-stream)))))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[method]fields.append"
      (func (param "self" (borrow $fields)) (param "name" $field-key) (param "value" $field-value)
        (result (result (error $header-error)))))
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
  (alias export $http "incoming-body" (type $incoming-body))
  (alias export $http "response-outparam" (type $response-outparam))

  ;; The memory comes first, because the host functions are lowered with it.
  (core module $Memory
    (memory (export "memory") 1)
    ;; The path of the request is all that the host writes by itself; it goes to 4096.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.gt_u (local.get 3) (i32.const 4096)) (then unreachable))
      (i32.const 4096)))
  (core instance $memory (instantiate $Memory))

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
  (core func $request-path
    (canon lower (func $http "[method]incoming-request.path-with-query") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $request-consume
    (canon lower (func $http "[method]incoming-request.consume") (memory (core memory $memory "memory"))))
  (core func $request-stream
    (canon lower (func $http "[method]incoming-body.stream") (memory (core memory $memory "memory"))))
  (core func $splice
    (canon lower (func $streams "[method]output-stream.blocking-splice") (memory (core memory $memory "memory"))))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $after (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $exit-with (canon lower (func $exit "exit")))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $drop-input (canon resource.drop $input-stream))
  (core func $drop-body (canon resource.drop $incoming-body))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $drop-request (canon resource.drop $incoming-request))

  ;; The guest itself. Host functions that give a result write it at address 0.
  (core module $App
    (import "host" "memory" (memory 1))
    (import "host" "fields-new" (func $fields-new (result i32)))
    (import "host" "response-new" (func $response-new (param i32) (result i32)))
    (import "host" "response-body" (func $response-body (param i32 i32)))
    (import "host" "body-write" (func $body-write (param i32 i32)))
    (import "host" "body-finish" (func $body-finish (param i32 i32 i32 i32)))
    (import "host" "outparam-set" (func $outparam-set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (import "host" "drop-request" (func $drop-request (param i32)))
    (import "host" "request-path" (func $request-path (param i32 i32)))
    (import "host" "request-consume" (func $request-consume (param i32 i32)))
    (import "host" "request-stream" (func $request-stream (param i32 i32)))
    (import "host" "splice" (func $splice (param i32 i32 i64 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "after" (func $after (param i64) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "exit-with" (func $exit-with (param i32)))
    (import "host" "drop-pollable" (func $drop-pollable (param i32)))
    (import "host" "drop-input" (func $drop-input (param i32)))
    (import "host" "drop-body" (func $drop-body (param i32)))

    (global $count (mut i32) (i32.const 0))
    (global $body (mut i32) (i32.const 0))
    (data (i32.const 200) "Hello, World\n")
    (data (i32.const 300) "a line\n")
    (data (i32.const 400) "half")

    ;; Answers with status 200 and no headers; gives the stream of the body.
    (func $answer (param $out i32) (result i32)
      (local $response i32)
      (local.set $response (call $response-new (call $fields-new)))
      (call $response-body (local.get $response) (i32.const 0))
      (global.set $body (i32.load (i32.const 4)))
      (call $body-write (global.get $body) (i32.const 0))
      (call $outparam-set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (i32.load (i32.const 4)))

    (func $finish (param $stream i32)
      (call $drop-stream (local.get $stream))
      (call $body-finish (global.get $body) (i32.const 0) (i32.const 0) (i32.const 0)))

    (func $text (param $out i32) (param $at i32) (param $length i32)
      (local $stream i32)
      (local.set $stream (call $answer (local.get $out)))
      (call $write (local.get $stream) (local.get $at) (local.get $length) (i32.const 0))
      (call $finish (local.get $stream)))

    (func $line
      (local $stdout i32)
      (local.set $stdout (call $get-stdout))
      (call $write (local.get $stdout) (i32.const 300) (i32.const 7) (i32.const 0))
      (call $drop-stream (local.get $stdout)))

    (func $wait
      (local $pollable i32)
      (local.set $pollable (call $after (i64.const 300000000)))
      (call $block (local.get $pollable))
      (call $drop-pollable (local.get $pollable)))

    (func $echo (param $request i32) (param $out i32)
      (local $incoming i32) (local $input i32) (local $output i32)
      (call $request-consume (local.get $request) (i32.const 0))
      (local.set $incoming (i32.load (i32.const 4)))
      (call $request-stream (local.get $incoming) (i32.const 0))
      (local.set $input (i32.load (i32.const 4)))
      (local.set $output (call $answer (local.get $out)))
      (loop $more
        (call $splice (local.get $output) (local.get $input) (i64.const 65536) (i32.const 0))
        (br_if $more (i32.eqz (i32.load8_u (i32.const 0)))))
      (call $drop-input (local.get $input))
      (call $drop-body (local.get $incoming))
      (call $finish (local.get $output)))

    (func $big (param $out i32)
      (local $stream i32) (local $left i32)
      (local.set $stream (call $answer (local.get $out)))
      (local.set $left (i32.const 256))
      (loop $more
        (call $write (local.get $stream) (i32.const 8192) (i32.const 4096) (i32.const 0))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $more (local.get $left)))
      (call $finish (local.get $stream)))

    (func (export "handle") (param $request i32) (param $out i32)
      (local $does i32) (local $stream i32)
      (call $request-path (local.get $request) (i32.const 0))
      (local.set $does (i32.load8_u (i32.add (i32.load (i32.const 4)) (i32.const 1))))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (if (i32.eq (local.get $does) (i32.const 0x77 (; w ;))) (then (call $wait)))
      (if (i32.eq (local.get $does) (i32.const 0x70 (; p ;))) (then (call $line) (call $wait)))
      (if (i32.eq (local.get $does) (i32.const 0x71 (; q ;))) (then (call $line) (loop $spin (br $spin))))
      (if (i32.eq (local.get $does) (i32.const 0x6c (; l ;))) (then (call $line)))
      (if (i32.eq (local.get $does) (i32.const 0x66 (; f ;))) (then (loop $flood (call $line) (br $flood))))
      (if (i32.eq (local.get $does) (i32.const 0x73 (; s ;))) (then (loop $spin (br $spin))))
      (if (i32.eq (local.get $does) (i32.const 0x74 (; t ;))) (then unreachable))
      (if (i32.eq (local.get $does) (i32.const 0x78 (; x ;))) (then (call $exit-with (i32.const 1))))
      (if (i32.eq (local.get $does) (i32.const 0x67 (; g ;)))
        (then (loop $grow
          (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
          unreachable))
      (if (i32.eq (local.get $does) (i32.const 0x6d (; m ;)))
        (then
          (local.set $stream (call $answer (local.get $out)))
          (call $write (local.get $stream) (i32.const 400) (i32.const 4) (i32.const 0))
          unreachable))
      (if (i32.eq (local.get $does) (i32.const 0x65 (; e ;)))
        (then (call $echo (local.get $request) (local.get $out)))
        (else (if (i32.eq (local.get $does) (i32.const 0x62 (; b ;)))
          (then (call $big (local.get $out)))
          (else (if (i32.eq (local.get $does) (i32.const 0x63 (; c ;)))
            (then
              (i32.store8 (i32.const 100) (i32.add (i32.const 48) (global.get $count)))
              (call $text (local.get $out) (i32.const 100) (i32.const 1)))
            (else (if (i32.ne (local.get $does) (i32.const 0x6e (; n ;)))
              (then (call $text (local.get $out) (i32.const 200) (i32.const 13))))))))))
      (call $drop-request (local.get $request))))

  (core instance $app (instantiate $App (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "fields-new" (func $fields-new))
    (export "response-new" (func $response-new))
    (export "response-body" (func $response-body))
    (export "body-write" (func $body-write))
    (export "body-finish" (func $body-finish))
    (export "outparam-set" (func $outparam-set))
    (export "write" (func $write))
    (export "drop-stream" (func $drop-stream))
    (export "drop-request" (func $drop-request))
    (export "request-path" (func $request-path))
    (export "request-consume" (func $request-consume))
    (export "request-stream" (func $request-stream))
    (export "splice" (func $splice))
    (export "get-stdout" (func $get-stdout))
    (export "after" (func $after))
    (export "block" (func $block))
    (export "exit-with" (func $exit-with))
    (export "drop-pollable" (func $drop-pollable))
    (export "drop-input" (func $drop-input))
    (export "drop-body" (func $drop-body))))))

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
