import { expect, it } from 'vitest'
import { AccessFileError } from './errors.ts'
import { parsePolicy } from './policy.ts'

const hash = '$scrypt$ln=13,r=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'
const good = `roles:
  reader:
    - { rights: [read] }
users:
  ann: { password: '${hash}', roles: [reader] }
certificates:
  - { commonName: payments, roles: [reader] }
issuers:
  - { issuer: https://login.example.com, audience: registry, roles: { staff: [reader] } }
...
`

const problemsOf = (text: string): string[] => {
  try {
    parsePolicy('access.yaml', text)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(AccessFileError)
    return (error as Error).message.split('\n')
  }
}

it('reads roles, users, certificates and issuers', () => {
  const policy = parsePolicy('access.yaml', good)
  expect(policy.users.get('ann')!.grants).toEqual([{ rights: ['read'], subjects: ['*'], contexts: ['.'] }])
  expect(policy.certificates).toEqual([{ commonName: 'payments', grants: policy.users.get('ann')!.grants }])
  expect(policy.issuers[0]).toMatchObject({ nameClaim: 'sub', rolesClaim: 'roles', clockSkewSeconds: 30 })
  // The views of callers are kept by this array.
  expect(policy.grantsOf(['reader', 'reader', 'unknown'])).toBe(policy.users.get('ann')!.grants)
})

it('refuses every beginning of a file, which may be half-written', () => {
  for (let length = 0; length < good.length - 1; length++) {
    expect(problemsOf(good.slice(0, length)), `the first ${length} characters`).not.toEqual([])
  }
  expect(problemsOf('')).toEqual(['access.yaml:1: the file is empty: it has roles, and users, certificates or issuers'])
  expect(problemsOf(good.slice(0, -4))).toEqual([
    'access.yaml:10: the file does not end with a line `...`, the end of a YAML document: it may have been cut off',
  ])
})

it.each([
  ['reader]', 'raeder]', /^access.yaml:5: users.ann.roles.0: there is no role "raeder"$/],
  ['rights: [read]', 'rights: [raed]', /^access.yaml:3: roles.reader.0.rights.0: /],
  ['rights: [read]', 'right: [read]', /^access.yaml:3: roles.reader.0.*/],
  [
    hash,
    'hunter2',
    /^access.yaml:5: users.ann.password: is not a hash; make one with `selfmonitor registry hash-password`$/,
  ],
  ['r=1,', 'r=99,', /^access.yaml:5: users.ann.password: has r=99 where r is from 1 to 32$/],
  [
    'aGFzaGhhc2hoYXNoaGFzaGhhc2g',
    'aGFz',
    /^access.yaml:5: users.ann.password: has no salt .* it may be cut off; inside \{ \}, put it in quotes$/,
  ],
  [`'${hash}'`, hash, /^access.yaml:5: users.ann.password: .* put it in quotes$/],
  ['commonName: payments, ', '', /^access.yaml:7: certificates.0: has neither subject nor commonName, or both$/],
  ['https://login', 'http://login', /^access.yaml:9: issuers.0.issuer: is not an https URL$/],
  [', audience: registry', '', /^access.yaml:9: issuers.0.audience: /],
  ['staff: [reader]', 'staff: [other]', /^access.yaml:9: issuers.0.roles.staff.0: there is no role "other"$/],
  ['users:', 'roles:', /^access.yaml:4: is not valid YAML \(DUPLICATE_KEY\)$/],
  ['ann:', '"a:b":', /^access.yaml:5: users.a:b: /],
])('a file with %j as %j is refused with its line', (from, to, message) => {
  expect(problemsOf(good.replace(from, to))[0]).toMatch(message)
})

it('says no value of the file, which may be a password in the wrong place', () => {
  for (const text of [
    good.replace(hash, 'hunter2'),
    good.replace('[reader] }\ncert', 'hunter2 }\ncert'),
    good.replace('password: ', 'passwort: hunter2 #'),
    good.replace(hash, '{hunter2'),
    good.replace(`'${hash}'`, '$scrypt$ln=13,hunter2$a$b'),
    good.replace('[read] }', '[read], hunter2$: }'),
    good.replace('- { rights: [read] }', 'hunter2'),
  ]) {
    const said = problemsOf(text).join('\n')
    expect(said).not.toEqual('')
    expect(said).not.toContain('hunter2')
  }
})
