// .proto files, right and wrong ones, by a name that says what is special. protoc judges them; see protobuf/protoc.test.ts.

const proto2 = (body: string): string => `syntax = "proto2";\npackage p;\n${body}\n`
const proto3 = (body: string): string => `syntax = "proto3";\npackage p;\n${body}\n`
const options = 'import "google/protobuf/descriptor.proto";\n'

const edition = (body: string): string => `edition = "2023";\npackage p;\n${body}\n`

export const validFiles: Readonly<Record<string, string>> = {
  'no syntax': 'message A { optional int32 a = 1; }',
  'empty file': '',
  'only comments': '// nothing\n/* at all */\n',
  'all scalars': proto3(
    `message A { ${['double', 'float', 'int64', 'uint64', 'int32', 'fixed64', 'fixed32', 'bool', 'string', 'bytes', 'uint32', 'sfixed32', 'sfixed64', 'sint32', 'sint64'].map((type, index) => `${type} f${index} = ${index + 1};`).join(' ')} }`,
  ),
  'labels of proto2': proto2(
    'message A { required int32 a = 1; optional string b = 2; repeated bytes c = 3 [packed = false]; }',
  ),
  'optional of proto3': proto3(
    'message A { optional int32 a = 1; optional string _b = 2; oneof _a2 { int32 x = 3; } optional A c = 4; }',
  ),
  'nested messages and names in scopes': proto3(
    'message A { B b = 1; C.D d = 2; .p.B e = 3; p.B f = 4; message B { A a = 1; } message C { message D { B b = 1; } } } message B {}',
  ),
  maps: proto3(
    'message A { map<string, int32> a = 1; map<int64, A> some_map = 2; map<bool, E> c = 3; enum E { X = 0; } }',
  ),
  'a map after a nested message': proto3('message A { message B {} map<string, B> m = 1; message C {} }'),
  'oneofs between fields': proto3(
    'message A { int32 a = 1; oneof one { string b = 2; A c = 3; } int32 d = 4; oneof two { bool e = 5; } }',
  ),
  groups: proto2(
    'message A { optional group Result = 1 { required string url = 2; } oneof o { group InOne = 3 { optional int32 x = 1; } } extensions 100 to 199; } extend A { optional group Ext = 100 { optional int32 y = 1; } }',
  ),
  'enum aliases': proto3('enum E { option allow_alias = true; A = 0; B = 1; C = 1; }'),
  'negative and hexadecimal enum values': proto2(
    'enum E { A = -1; B = 0x1F; C = 017; D = -2147483648; F = 2147483647; }',
  ),
  reserved: proto3(
    'message A { reserved 2, 15, 9 to 11, 40 to max; reserved "foo", "bar"; int32 a = 1; } enum E { reserved -5 to -1, 7, 100 to max; reserved "X"; Z = 0; }',
  ),
  extensions: proto2(
    'message A { extensions 4, 20 to 30; extensions 1000 to max; } extend A { optional int32 x = 4; repeated A y = 21; } message B { extend A { optional B z = 22; } }',
  ),
  defaults: proto2(
    String.raw`message A { optional string a = 1 [default = "x\"y\n\001é"]; optional bytes b = 2 [default = "\000\xff\\'"]; optional float c = 3 [default = -1.5e10]; optional double d = 4 [default = inf]; optional double e = 5 [default = -inf]; optional float f = 6 [default = nan]; optional E g = 7 [default = Y]; optional bool h = 8 [default = true]; optional int64 i = 9 [default = -9223372036854775808]; optional uint64 j = 10 [default = 0xFFFFFFFFFFFFFFFF]; optional double k = 11 [default = 0.1]; optional float l = 12 [default = 0.1]; optional double m = 13 [default = 1e100]; optional int32 n = 14 [default = 010]; optional double o = 15 [default = 123456789012345678]; optional float p = 16 [default = 16777216]; optional double q = 17 [default = 1e-7]; enum E { X = 1; Y = 2; } }`,
  ),
  'json names': proto3(
    'message A { int32 a_b_c = 1; int32 other = 2 [json_name = "@x"]; int32 UPPER_case = 3; int32 x__y = 4; }',
  ),
  services: proto3(
    'message Q {} message R {} service S { option deprecated = true; rpc A (Q) returns (R); rpc B (stream Q) returns (stream .p.R) { option idempotency_level = IDEMPOTENT; } rpc C (Q) returns (stream R) {} }',
  ),
  'options of files':
    'syntax = "proto3";\noption java_package = "com.acme";\noption optimize_for = CODE_SIZE;\noption java_multiple_files = true;\npackage late;\nimport "google/protobuf/any.proto";\noption go_package = "a" "b" \'c\';\nmessage A { google.protobuf.Any any = 1; }',
  'custom options': proto2(
    `${options}extend google.protobuf.MessageOptions { optional string my = 50000; optional M msg = 50001; repeated int32 list = 50002; } extend google.protobuf.FieldOptions { optional E e = 50003; optional double d = 50004; optional bytes raw = 50005; repeated M many = 50006; optional sint64 z = 50007; optional fixed32 fx = 50008; optional bool flag = 50009; optional float f = 50010; optional uint64 u = 50011; } message M { optional int32 a = 1; optional M b = 2; repeated string s = 3; map<string, int32> m = 4; optional group G = 5 { optional int32 q = 1; } extensions 100 to 200; } extend M { optional string ext = 100; } enum E { E0 = 0; E1 = 1; } message A { option (my) = "x"; option (p.msg).a = 1; option (.p.msg).b.a = 2; option (list) = 1; option (list) = 2; optional int32 x = 1 [(e) = E1, (d) = 1.5, (raw) = "\\377\\000", (many) = { a: 1 b { a: 2 } s: ["x", 'y'], s: "z"; m { key: "k" value: 3 } G { q: 7 } [p.ext]: "in" }, (many) = {}, (z) = -5, (fx) = 7, (flag) = true, (f) = -2.5, (u) = 18446744073709551615, deprecated = true]; }`,
  ),
  'options on everything': proto2(
    `${options}extend google.protobuf.FileOptions { optional int32 fo = 50000; } extend google.protobuf.EnumOptions { optional int32 eo = 50000; } extend google.protobuf.EnumValueOptions { optional int32 vo = 50000; } extend google.protobuf.OneofOptions { optional int32 oo = 50000; } extend google.protobuf.ServiceOptions { optional int32 so = 50000; } extend google.protobuf.MethodOptions { optional int32 mo = 50000; } extend google.protobuf.ExtensionRangeOptions { optional int32 ro = 50000; } option (fo) = -1; enum E { option (eo) = 1; X = 0 [(vo) = 2, deprecated = true]; } message A { oneof o { option (oo) = 3; int32 a = 1; } extensions 10 to 20 [(ro) = 4]; } service S { option (so) = 5; rpc M (A) returns (A) { option (mo) = 6; } }`,
  ),
  'an Any in an option': proto3(
    `${options}import "google/protobuf/any.proto";\nextend google.protobuf.FileOptions { google.protobuf.Any any = 50000; } message A { int32 a = 1; string b = 2; } option (any) = { [type.googleapis.com/p.A] { a: 5 b: "x" } };`,
  ),
  'message sets': proto2(
    'message S { option message_set_wire_format = true; extensions 4 to max; } message A { extend S { optional A a = 2000000000; } }',
  ),
  'keywords as names': proto3(
    'message message { message message = 1; string string = 2; int32 syntax = 3; int32 package = 4; int32 to = 5; int32 max = 6; int32 returns = 7; int32 rpc = 8; int32 inf = 9; int32 import = 10; }',
  ).replace('message message = 1; ', ''),
  'a type that shadows a package': proto3('message A { p.B b = 1; } message B {}'),
  'weak and public imports':
    'syntax = "proto3";\nimport public "google/protobuf/timestamp.proto";\nimport weak "google/protobuf/duration.proto";\nmessage A { google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2; }',
  'types that need no reference':
    'syntax = "proto3";\nimport "google/type/money.proto";\nimport "google/type/datetime.proto";\nimport "confluent/meta.proto";\nimport "confluent/type/decimal.proto";\nmessage A { option (confluent.message_meta) = { doc: "d", params: [{ key: "a", value: "b" }], tags: ["PII"] }; google.type.Money m = 1; google.type.DateTime d = 2; confluent.type.Decimal e = 3 [(confluent.field_meta).doc = "x"]; }',
  'empty statements':
    'syntax = "proto3";;\npackage p;;\nmessage A { ; int32 a = 1;; }; enum E { ; X = 0;; }; service S { ; };',
  'comments everywhere': 'syntax /* a */ = // b\n "proto3"; message /* c */ A { // d\n int32 a = 1; /* e */ }',
  'lazy and jstype': proto3(
    'message A { int64 a = 1 [jstype = JS_STRING]; A b = 2 [lazy = true]; string c = 3 [ctype = CORD]; repeated int32 d = 4 [packed = true]; }',
  ),
  'the greatest numbers': proto3(
    'message A { int32 a = 536870911; int32 b = 18999; int32 c = 20000; int32 d = 0x10; }',
  ),
  'enum values of one name in two messages': proto3('message A { enum E { X = 0; } } message B { enum E { X = 0; } }'),
  'a proto3 message with a closed enum in proto2': proto2(
    'enum E { A = 5; } message M { optional E e = 1 [default = A]; }',
  ),
  'field names that differ in case in proto2': proto2('message A { optional int32 a_b = 1; optional int32 aB = 2; }'),
  'an edition': edition(
    'option features.field_presence = IMPLICIT; message A { option features = { json_format: LEGACY_BEST_EFFORT }; int32 a = 1; int32 b = 2 [features.field_presence = LEGACY_REQUIRED]; repeated int32 c = 3 [features.repeated_field_encoding = EXPANDED]; A d = 4 [features.message_encoding = DELIMITED]; string e = 5 [features.field_presence = EXPLICIT, default = "x"]; map<string, A> f = 6; oneof o { option features.field_presence = EXPLICIT; int32 g = 7; } reserved foo, bar; extensions 100 to max; } enum E { option features.enum_type = CLOSED; X = 1; reserved Y; } extend A { int32 ext = 100; }',
  ).replace('oneof o { option features.field_presence = EXPLICIT; ', 'oneof o { '),
  'edition 2024':
    'edition = "2024";\npackage p;\nimport option "confluent/meta.proto";\nexport message A { option (confluent.message_meta).doc = "x"; int32 a = 1; local enum E { X = 0; } E e = 2; }\nlocal message B { A a = 1; }',
  'enum names that strip to others, with aliases': proto3('enum Foo { option allow_alias = true; FOO_X = 0; X = 0; }'),
}

export const wrongFiles: Readonly<Record<string, string>> = {
  'a number twice': proto3('message A {\n  int32 a = 1;\n  int32 b = 1;\n}'),
  'a name twice': proto3('message A {\n  int32 a = 1;\n  int32 a = 2;\n}'),
  'two messages of a name': proto3('message A {}\nmessage A {}'),
  'a reserved number': proto3('message A {\n  reserved 1;\n  int32 a = 1;\n}'),
  'a reserved name': proto3('message A {\n  reserved "a";\n  int32 a = 1;\n}'),
  'reserved ranges that overlap': proto3('message A {\n  reserved 1 to 5, 3;\n}'),
  'a reserved range that ends before it starts': proto3('message A {\n  reserved 5 to 3;\n}'),
  'a reserved name twice': proto3('message A {\n  reserved "a", "a";\n}'),
  'a field in an extension range': proto2('message A {\n  extensions 1 to 5;\n  optional int32 a = 3;\n}'),
  'extension and reserved ranges that overlap': proto2('message A {\n  reserved 3;\n  extensions 1 to 5;\n}'),
  'an unknown type': proto3('message A {\n  B b = 1;\n}'),
  'a field as a type': proto3('message A {\n  int32 x = 1;\n  A.x b = 2;\n}'),
  'an unknown import': 'syntax = "proto3";\nimport "nowhere.proto";',
  'an import twice': 'syntax = "proto3";\nimport "google/protobuf/any.proto";\nimport "google/protobuf/any.proto";',
  'a type of a file that is not imported': proto3('message A {\n  google.protobuf.Any a = 1;\n}'),
  'a first enum value that is not zero': proto3('enum E {\n  A = 1;\n}'),
  'an empty enum': proto3('enum E {\n}'),
  'an alias that is not allowed': proto3('enum E {\n  A = 0;\n  B = 0;\n}'),
  'an enum value name twice, in two enums': proto3('enum E {\n  A = 0;\n}\nenum F {\n  A = 0;\n}'),
  'a reserved enum value': proto3('enum E {\n  reserved 1;\n  A = 0;\n  B = 1;\n}'),
  'a reserved enum name': proto3('enum E {\n  reserved "B";\n  A = 0;\n  B = 1;\n}'),
  'JSON names that are equal': proto3('message A {\n  int32 a_b = 1;\n  int32 aB = 2;\n}'),
  'a JSON name that another field has': proto3('message A {\n  int32 a = 1;\n  int32 b = 2 [json_name = "a"];\n}'),
  'enum names that are equal without the prefix': proto3('enum Foo {\n  FOO_X = 0;\n  X = 1;\n}'),
  'required in proto3': proto3('message A {\n  required int32 a = 1;\n}'),
  'a default in proto3': proto3('message A {\n  int32 a = 1 [default = 1];\n}'),
  'a group in proto3': proto3('message A {\n  optional group G = 1 {}\n}'),
  'extensions in proto3': proto3('message A {\n  extensions 1 to 5;\n}'),
  'an extension in proto3 of a message that is not options':
    'syntax = "proto3";\nimport "google/protobuf/descriptor.proto";\nextend google.protobuf.FileDescriptorSet {\n  int32 a = 536000000;\n}',
  'no label in proto2': proto2('message A {\n  int32 a = 1;\n}'),
  'a label in a oneof': proto3('message A {\n  oneof o {\n    optional int32 a = 1;\n  }\n}'),
  'an empty oneof': proto3('message A {\n  oneof o {\n  }\n}'),
  'a map in a oneof': proto3('message A {\n  oneof o {\n    map<string, string> a = 1;\n  }\n}'),
  'a repeated map': proto3('message A {\n  repeated map<string, string> a = 1;\n}'),
  'a float as the key of a map': proto3('message A {\n  map<float, string> a = 1;\n}'),
  'a message as the key of a map': proto3('message A {\n  map<A, string> a = 1;\n}'),
  'a map entry whose name is taken': proto3('message A {\n  map<string, string> a = 1;\n  message AEntry {}\n}'),
  'the number 0': proto3('message A {\n  int32 a = 0;\n}'),
  'a number that is too great': proto3('message A {\n  int32 a = 536870912;\n}'),
  'a number of the library': proto3('message A {\n  int32 a = 19500;\n}'),
  'an unknown option': proto3('message A {\n  option nothing = 1;\n}'),
  'an unknown custom option': proto3('message A {\n  option (nothing) = 1;\n}'),
  'an option of a wrong type': 'syntax = "proto3";\noption java_package = 1;',
  'an option with an unknown enum value': 'syntax = "proto3";\noption optimize_for = QUICK;',
  'an option twice': 'syntax = "proto3";\noption java_package = "a";\noption java_package = "b";',
  'a boolean in quotes': 'syntax = "proto3";\noption java_multiple_files = "true";',
  'a default of a wrong type': proto2('message A {\n  optional int32 a = 1 [default = "x"];\n}'),
  'a default that is too great': proto2('message A {\n  optional int32 a = 1 [default = 2147483648];\n}'),
  'a default that the enum does not have': proto2(
    'message A {\n  optional E a = 1 [default = Z];\n  enum E { X = 0; }\n}',
  ),
  'a default of a list': proto2('message A {\n  repeated int32 a = 1 [default = 1];\n}'),
  'a default of a message': proto2('message A {\n  optional A a = 1 [default = 1];\n}'),
  'packed strings': proto3('message A {\n  repeated string a = 1 [packed = true];\n}'),
  'lazy numbers': proto3('message A {\n  int32 a = 1 [lazy = true];\n}'),
  'jstype of a short integer': proto3('message A {\n  int32 a = 1 [jstype = JS_STRING];\n}'),
  'map_entry by hand': proto3('message A {\n  option map_entry = true;\n}'),
  'an extension number that is not declared': proto2(
    'message A {\n  extensions 5;\n}\nextend A {\n  optional int32 a = 6;\n}',
  ),
  'an extension number twice': proto2(
    'message A {\n  extensions 5;\n}\nextend A {\n  optional int32 a = 5;\n  optional int32 b = 5;\n}',
  ),
  'a required extension': proto2('message A {\n  extensions 5;\n}\nextend A {\n  required int32 a = 5;\n}'),
  'an rpc with a scalar': proto3('service S {\n  rpc A (int32) returns (int32);\n}'),
  'an rpc with an enum': proto3('enum E { X = 0; }\nservice S {\n  rpc A (E) returns (E);\n}'),
  'a closed enum in proto3':
    'syntax = "proto3";\nimport "google/protobuf/descriptor.proto";\nmessage A {\n  google.protobuf.FieldDescriptorProto.Type t = 1;\n}',
  'an unknown syntax': 'syntax = "proto4";',
  'a syntax that comes late': 'package p;\nsyntax = "proto3";',
  'two packages': 'syntax = "proto3";\npackage p;\npackage q;',
  'no semicolon': proto3('message A {\n  int32 a = 1\n}'),
  'no closing brace': proto3('message A {\n  int32 a = 1;'),
  'a string without an end': 'syntax = "proto3;\n',
  'a comment without an end': 'syntax = "proto3"; /* x',
  'a number with letters': proto3('message A {\n  int32 a = 1x;\n}'),
  'a bad octal number': proto3('message A {\n  int32 a = 09;\n}'),
  'not a .proto file': '{"type":"record"}',
  'a letter that is not ASCII': proto3('message Größe {}'),
  'a group without a capital letter': proto2('message A {\n  optional group g = 1 {}\n}'),
  'a message literal with an unknown field': proto3(
    'import "confluent/meta.proto";\nmessage A {\n  option (confluent.message_meta) = { nothing: 1 };\n}',
  ),
  'a message literal with a field twice': proto3(
    'import "confluent/meta.proto";\nmessage A {\n  option (confluent.message_meta) = { doc: "a" doc: "b" };\n}',
  ),
  'a message where a package is':
    'syntax = "proto3";\npackage google.protobuf.Any;\nimport "google/protobuf/any.proto";\nmessage A {}',
  'a json_name that is not a string': proto3('message A {\n  int32 a = 1 [json_name = 1];\n}'),
  'features outside of editions': proto3('option features.field_presence = EXPLICIT;'),
  'optional in an edition': edition('message A {\n  optional int32 a = 1;\n}'),
  'a group in an edition': edition('message A {\n  repeated group G = 1 {}\n}'),
  'a reserved string in an edition': edition('message A {\n  reserved "a";\n}'),
  'packed in an edition': edition('message A {\n  repeated int32 a = 1 [packed = true];\n}'),
  'a default of a field without presence': edition(
    'message A {\n  int32 a = 1 [features.field_presence = IMPLICIT, default = 1];\n}',
  ),
  'an open enum that does not begin with zero': edition('enum E {\n  X = 1;\n}'),
  'an unknown feature': edition('option features.nothing = 1;'),
  'an unknown value of a feature': edition('option features.enum_type = AJAR;'),
  'an unknown edition': 'edition = "1999";',
  'a reserved identifier outside of editions': proto3('message A {\n  reserved a;\n}'),
  'a name that resolves to an inner scope without it': proto3(
    'message A {\n  message p {}\n  p.B b = 1;\n}\nmessage B {}',
  ),
}
