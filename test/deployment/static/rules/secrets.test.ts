// Finds a credential anywhere in the objects, and does not report placeholders.
import { describe, expect, it } from 'vitest'
import { Draft, describeRule, violations } from './example.ts'
import { noCredentials } from './secrets.ts'

describeRule('noCredentials', noCredentials, [
  [
    'a Secret with a value',
    (d) => d.objects.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } }),
    'Secret s: is rendered with values',
  ],
  [
    'a password in a ConfigMap',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'ssl.key.password=hunter2' }),
    /ConfigMap scripts, key a: has a password \(password=hunter2\)/,
  ],
  [
    'a password in a JAAS line',
    (d) =>
      Object.assign(d.find('ConfigMap', 'scripts').data, {
        a: 'sasl.jaas.config=Module required username="a" password="hunter2";',
      }),
    /has a password/,
  ],
  [
    'a password in JSON',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: '{"password": "hunter2"}' }),
    /has a password/,
  ],
  [
    'a password in YAML',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'password: hunter2' }),
    /has a password/,
  ],
  [
    'a private key',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: '-----BEGIN PRIVATE KEY-----\nMIIE' }),
    /has a private key/,
  ],
  ['a password in an argument', (d) => d.broker.command.push('--password=hunter2'), /container kafka: has a password/],
  [
    'a password in SCRAM notation',
    (d) => d.broker.command.push('SCRAM-SHA-512=[name=a,password=hunter2]'),
    /container kafka: has a password/,
  ],
  [
    'a password in a variable',
    (d) => d.broker.env.push({ name: 'ADMIN_PASSWORD', value: 'hunter2' }),
    /variable ADMIN_PASSWORD: has a password/,
  ],
  [
    'a password in an address',
    (d) => d.broker.env.push({ name: 'REGISTRY', value: 'http://admin:hunter2@registry:8081' }),
    /has a password in an address/,
  ],
  [
    'a password in an annotation',
    (d) => Object.assign(d.set.metadata, { annotations: { note: 'password: hunter2' } }),
    /annotation note: has a password/,
  ],
])

describe('a manifest without violations', () => {
  it('may contain a placeholder for a password', () => {
    const draft = new Draft()
    draft.find('ConfigMap', 'scripts').data['a.sh'] = [
      'sasl.jaas.config=Module required username="a" password="@@password@@";',
      `password="$${'{PASSWORD}'}"`,
      'password=$(cat file)',
      'password=',
      'if [[ $password =~ x ]]; then # the password: it is',
      '--password "$1"',
    ].join('\n')
    expect(violations(noCredentials, draft.objects)).toEqual([])
  })
})
