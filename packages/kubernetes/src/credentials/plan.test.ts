// The planner as a table: what exists, and what follows from it.
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readCertificates, readPrivateKey } from '../certificates/inspect.ts'
import { issueCa, issueLeaf } from '../certificates/issue.ts'
import { kafkaUuid } from '../random.ts'
import { exampleSpec } from '../test-support/contract.ts'
import { clientProperties } from './client-properties.ts'
import { derivedAnnotation, type Existing, generatedAnnotation, type ObjectView } from './draft.ts'
import { planCredentials } from './plan.ts'
import type { CredentialsSpec } from './spec.ts'

const day = 86_400_000
const now = new Date('2026-11-22T12:00:00Z')
const spec = exampleSpec()
const inDays = (days: number): Date => new Date(now.getTime() + days * day)

function object(data: Record<string, string>, annotations: Record<string, string> = {}): ObjectView {
  return { data, annotations, resourceVersion: '7' }
}

const ours = { [generatedAnnotation]: 'true' }
const ca = await issueCa('ours', 3650 * day, now)
const foreign = await issueCa('somebody else', 3650 * day, now)
const [broker, controller] = spec.tls.certificates as [
  CredentialsSpec['tls']['certificates'][0],
  CredentialsSpec['tls']['certificates'][0],
]

async function tlsSecret(
  wanted = broker,
  {
    issuer = ca,
    validDays = 365,
    annotations = { ...ours, [derivedAnnotation]: 'ca.crt' } as Record<string, string>,
    bundle = ca.certificate,
  } = {},
): Promise<ObjectView> {
  const [certificate] = readCertificates(issuer.certificate)
  const leaf = await issueLeaf(
    { certificate: certificate!, key: readPrivateKey(issuer.key) },
    wanted.commonName,
    wanted,
    validDays * day,
    now,
  )
  return object({ 'tls.crt': leaf.certificate, 'tls.key': leaf.key, 'ca.crt': bundle }, annotations)
}

function account(name: string, bundle = ca.certificate): ObjectView {
  return object(
    {
      username: name,
      password: 'a-long-enough-password',
      'client.properties': clientProperties(spec.bootstrapServers, name, 'a-long-enough-password', bundle),
      'ca.crt': bundle,
    },
    { ...ours, [derivedAnnotation]: 'username,client.properties,ca.crt' },
  )
}

const identity = object({
  'cluster-id': kafkaUuid(),
  ...Object.fromEntries([0, 1, 2].map((ordinal) => [`controller-${ordinal}.directory-id`, kafkaUuid()])),
})

const complete: Readonly<Record<string, ObjectView | undefined>> = {
  'ConfigMap/kafka-identity': identity,
  'ConfigMap/kafka-ca-bundle': object({ 'ca.crt': ca.certificate }),
  'Secret/kafka-ca': object({ 'ca.crt': ca.certificate, 'ca.key': ca.key }, ours),
  'Secret/kafka-broker-tls': await tlsSecret(broker),
  'Secret/kafka-controller-tls': await tlsSecret(controller),
  'Secret/kafka-user-kafka-broker': account('kafka-broker'),
  'Secret/kafka-user-admin': account('admin'),
}

function existing(changes: Readonly<Record<string, ObjectView | undefined>>, base = complete): Existing {
  const all = Object.entries({ ...base, ...changes })
  const of = (kind: string): Map<string, ObjectView> =>
    new Map(
      all.flatMap(([key, view]) =>
        key.startsWith(`${kind}/`) && view !== undefined ? [[key.slice(kind.length + 1), view]] : [],
      ),
    )
  return { secrets: of('Secret'), configMaps: of('ConfigMap') }
}

/** The plan as lines: `renew Secret kafka-broker-tls: it ends on …`, then what is waited for and warned of. */
function lines(changes: Readonly<Record<string, ObjectView | undefined>>, at = now, wanted = spec): string[] {
  const { steps, waiting, warnings } = planCredentials(wanted, existing(changes), at)
  return [
    ...steps.map(({ action, kind, name, reason }) => `${action} ${kind} ${name}: ${reason}`),
    ...waiting.map((what) => `wait for ${what}`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ]
}

function problems(changes: Readonly<Record<string, ObjectView | undefined>>, at = now, wanted = spec): string[] {
  try {
    planCredentials(wanted, existing(changes), at)
  } catch (error) {
    return [...((error as { problems?: readonly string[] }).problems ?? [String(error)])]
  }
  return []
}

const nothing = Object.fromEntries(Object.keys(complete).map((key) => [key, undefined]))

describe('what is there already', () => {
  it('is left alone when it is complete', () => {
    expect(lines({})).toEqual([])
  })

  it('is built up in the order in which one thing needs another', () => {
    expect(lines(nothing)).toEqual([
      'create ConfigMap kafka-identity: cluster id and directory ids of 3 controllers',
      'create Secret kafka-ca: CA, valid until 2036-11-19',
    ])
    const first = { 'ConfigMap/kafka-identity': identity, 'Secret/kafka-ca': complete['Secret/kafka-ca'] }
    expect(lines({ ...nothing, ...first })).toEqual([
      'create ConfigMap kafka-ca-bundle: the CA that clients trust',
      'create Secret kafka-broker-tls: certificate of kafka-broker, valid until 2027-11-22',
      'create Secret kafka-controller-tls: certificate of kafka-controller, valid until 2027-11-22',
      'create Secret kafka-user-kafka-broker: account kafka-broker',
      'create Secret kafka-user-admin: account admin',
    ])
  })

  it('is only the identity when security is off', () => {
    expect(lines(nothing, now, { ...spec, security: false })).toEqual([
      'create ConfigMap kafka-identity: cluster id and directory ids of 3 controllers',
    ])
  })

  it('is a login too when security is off: Grafana has one in any case', () => {
    const logins = [{ username: 'admin', secret: 'kafka-grafana-login' }]
    expect(lines(nothing, now, { ...spec, security: false, logins })).toEqual([
      'create ConfigMap kafka-identity: cluster id and directory ids of 3 controllers',
      'create Secret kafka-grafana-login: login of admin',
    ])
  })
})

describe('the identity', () => {
  const { 'cluster-id': clusterId, ...directories } = identity.data

  it('is completed for a cluster id that the user supplied', () => {
    expect(lines({ 'ConfigMap/kafka-identity': object({ 'cluster-id': clusterId! }) })).toEqual([
      'update ConfigMap kafka-identity: add 3 ids that it lacks',
    ])
  })

  it('gets no new cluster id once the cluster has been formed', () => {
    expect(problems({ 'ConfigMap/kafka-identity': object({ ...directories, formed: 'true' }) })).toEqual([
      expect.stringMatching(/no cluster-id, and the cluster has been formed: put back .* meta\.properties/),
    ])
  })

  it('is refused with ids that Kafka does not take, and with one id twice', () => {
    const same = directories['controller-0.directory-id']!
    expect(
      problems({
        'ConfigMap/kafka-identity': object({
          ...identity.data,
          'cluster-id': 'nonsense',
          'controller-1.directory-id': same,
        }),
      }),
    ).toEqual([
      expect.stringMatching(/cluster-id "nonsense" is not a Kafka uuid/),
      expect.stringMatching(/controller-1.directory-id and controller-0.directory-id are the same id/),
    ])
  })
})

describe('certificates', () => {
  it.each([
    ['are left alone with a day more than renewBefore left', 31, []],
    [
      'are issued again with a day less than renewBefore left',
      29,
      ['renew Secret kafka-broker-tls: it ends on 2026-12-21'],
    ],
    ['are issued again after their end', -1, ['renew Secret kafka-broker-tls: it ends on 2026-11-21']],
  ])('%s', async (_, validDays, expected) => {
    expect(lines({ 'Secret/kafka-broker-tls': await tlsSecret(broker, { validDays }) })).toEqual(expected)
  })

  it('are issued again for a name that was added, and not for one that was taken away', () => {
    const withNames = (dnsNames: readonly string[]) => ({
      ...spec,
      tls: { ...spec.tls, certificates: [{ ...broker, dnsNames }, controller] },
    })
    expect(lines({}, now, withNames([...broker.dnsNames, 'kafka-0.example.com']))).toEqual([
      'renew Secret kafka-broker-tls: it is not valid for kafka-0.example.com',
    ])
    expect(lines({}, now, withNames(['localhost']))).toEqual([])
    // A name that the wildcard covers.
    expect(lines({}, now, withNames(['kafka-3.kafka-headless.kafka.svc.cluster.local']))).toEqual([])
  })

  it('are issued again when the principal changes', () => {
    const renamed = { ...spec, tls: { ...spec.tls, certificates: [{ ...broker, commonName: 'broker' }, controller] } }
    expect(lines({}, now, renamed)).toEqual(['renew Secret kafka-broker-tls: it is the certificate of kafka-broker'])
  })

  it('from the user, signed by the CA, are kept with a warning', async () => {
    const supplied = await tlsSecret(broker, { validDays: 10, annotations: {} })
    expect(lines({ 'Secret/kafka-broker-tls': supplied })).toEqual([
      'warning: Secret kafka-broker-tls: its certificate, which you supplied, ends on 2026-12-02: replace it in time.',
    ])
    expect(problems({ 'Secret/kafka-broker-tls': supplied }, inDays(11))).toEqual([
      'Secret kafka-broker-tls: its certificate ended on 2026-12-02: replace tls.crt and tls.key',
    ])
  })

  it('from the user, signed by another CA, are rejected', async () => {
    expect(
      problems({ 'Secret/kafka-broker-tls': await tlsSecret(broker, { issuer: foreign, annotations: {} }) }),
    ).toEqual([
      'Secret kafka-broker-tls: its certificate was not signed by the CA in Secret kafka-ca. For certificates of your own set ' +
        'security.tls.mode to existing',
    ])
  })

  it('whose key does not fit, or is missing, or in another form, are refused, all at once', async () => {
    const { data } = await tlsSecret(broker)
    const other = (await tlsSecret(controller)).data['tls.key']!
    expect(
      problems({
        'Secret/kafka-broker-tls': object({ ...data, 'tls.key': other }, ours),
        'Secret/kafka-controller-tls': object(
          { ...data, 'tls.key': '-----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY-----\n' },
          ours,
        ),
        'Secret/kafka-ca': complete['Secret/kafka-ca'],
      }),
    ).toEqual([
      'Secret kafka-broker-tls: tls.key is not the key of the first certificate in tls.crt',
      expect.stringMatching(
        /kafka-controller-tls: tls.key is not an unencrypted PKCS#8 key.*openssl pkcs8 -topk8 -nocrypt/,
      ),
    ])
    expect(problems({ 'Secret/kafka-ca': object({ 'ca.crt': ca.certificate }, ours) })).toEqual([
      'Secret kafka-ca has no ca.key',
    ])
  })

  it('that end with a CA that cannot be renewed are not issued again every day', async () => {
    const short = await issueCa('company', 20 * day, now)
    const secret = object({ 'ca.crt': short.certificate, 'ca.key': short.key })
    const bundle = short.certificate + ca.certificate
    const changes = {
      'Secret/kafka-ca': secret,
      'ConfigMap/kafka-ca-bundle': object({ 'ca.crt': bundle }),
      'Secret/kafka-broker-tls': await tlsSecret(broker, { issuer: short, bundle }),
      'Secret/kafka-controller-tls': await tlsSecret(controller, { bundle }),
      'Secret/kafka-user-kafka-broker': account('kafka-broker', bundle),
      'Secret/kafka-user-admin': account('admin', bundle),
    }
    expect(lines(changes)).toEqual([
      'warning: The CA in Secret kafka-ca, which you supplied, ends on 2026-12-12: replace it in time.',
      'warning: Secret kafka-broker-tls: its certificate ends on 2026-12-12, with the CA: replace the CA.',
    ])
  })
})

describe('the CA', () => {
  it('is renewed a certificate’s life before its end, loudly', () => {
    const at = inDays(3650 - 390)
    const [step, ...rest] = lines({}, at)
    expect(step).toBe('renew Secret kafka-ca: CA ends on 2036-11-19')
    expect(rest).toEqual([
      expect.stringMatching(/^warning: The CA in Secret kafka-ca ends on 2036-11-19: it is issued again/),
    ])
  })

  it('that was replaced stays in the bundle, and what it signed is kept until its own time', () => {
    const changes = { 'Secret/kafka-ca': object({ 'ca.crt': foreign.certificate, 'ca.key': foreign.key }, ours) }
    expect(lines(changes)).toEqual([
      'update ConfigMap kafka-ca-bundle: the CAs that clients trust have changed',
      'update Secret kafka-broker-tls: ca.crt',
      'update Secret kafka-controller-tls: ca.crt',
      'update Secret kafka-user-kafka-broker: client.properties, ca.crt',
      'update Secret kafka-user-admin: client.properties, ca.crt',
    ])
    const [bundle] = planCredentials(spec, existing(changes), now).steps
    expect(bundle!.make).toEqual({ what: 'texts', data: { 'ca.crt': foreign.certificate + ca.certificate } })
  })

  it('leaves the bundle when it has ended', async () => {
    const ended = await issueCa('old', day, inDays(-10))
    expect(lines({ 'ConfigMap/kafka-ca-bundle': object({ 'ca.crt': ca.certificate + ended.certificate }) })).toEqual([
      'update ConfigMap kafka-ca-bundle: the CAs that clients trust have changed',
    ])
  })

  it('whose key signs no certificate here is refused, before anything is made', async () => {
    const { BasicConstraintsExtension, X509CertificateGenerator } = await import('@peculiar/x509')
    const pair = generateKeyPairSync('ed25519')
    const keys = {
      privateKey: pair.privateKey.toCryptoKey('Ed25519', false, ['sign']),
      publicKey: pair.publicKey.toCryptoKey('Ed25519', true, ['verify']),
    }
    const extensions = [new BasicConstraintsExtension(true)]
    const certificate = await X509CertificateGenerator.createSelfSigned({ name: 'CN=company', keys, extensions })
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const supplied = object({ 'ca.crt': `${certificate.toString('pem')}\n`, 'ca.key': key })
    expect(problems({ ...nothing, 'Secret/kafka-ca': supplied }, new Date())).toEqual([
      'Secret kafka-ca: ca.key cannot sign here: use a CA with an RSA key, or EC on P-256, P-384 or P-521',
    ])
  })

  it('that is a leaf is refused', async () => {
    const { data } = await tlsSecret(broker)
    expect(problems({ 'Secret/kafka-ca': object({ 'ca.crt': data['tls.crt']!, 'ca.key': data['tls.key']! }) })).toEqual(
      [expect.stringMatching(/kafka-ca: ca.crt is not the certificate of a CA/)],
    )
  })
})

describe('an account whose Secret is gone', () => {
  const formed = { 'ConfigMap/kafka-identity': object({ ...identity.data, formed: 'true' }) }

  it('gets a new password, which must be set in Kafka', () => {
    expect(lines({ ...formed, 'Secret/kafka-user-admin': undefined })).toEqual([
      'create Secret kafka-user-admin: account admin',
    ])
  })

  it('gets none when it is that of the brokers, and Kafka has the old one: they would be locked out one by one', () => {
    const gone = { 'Secret/kafka-user-kafka-broker': undefined }
    expect(problems({ ...formed, ...gone })).toEqual([
      expect.stringMatching(/kafka-user-kafka-broker is gone.*Put it back: every running broker has it/),
    ])
    // Before the controllers have formatted with it, any password will do.
    expect(lines(gone)).toEqual(['create Secret kafka-user-kafka-broker: account kafka-broker'])
  })
})

describe('accounts that the user supplied', () => {
  it('get the values derived from the password, and keep the rest', () => {
    const { steps } = planCredentials(
      spec,
      existing({ 'Secret/kafka-user-admin': object({ password: 'supplied by somebody', note: 'mine' }) }),
      now,
    )
    expect(steps).toMatchObject([
      {
        action: 'update',
        name: 'kafka-user-admin',
        reason: 'username, client.properties, ca.crt',
        annotations: { [derivedAnnotation]: 'username,client.properties,ca.crt' },
      },
    ])
    const { make } = steps[0]!
    expect(make.what === 'texts' && Object.keys(make.data)).toEqual(['username', 'client.properties', 'ca.crt'])
  })

  it('keep a client.properties of their own', () => {
    const own = object({ password: 'supplied by somebody', 'client.properties': 'mine' })
    expect(lines({ 'Secret/kafka-user-admin': own })).toEqual(['update Secret kafka-user-admin: username, ca.crt'])
  })

  it.each([
    ['no password', {}, /it has no key "password"/],
    ['an empty password', { password: '' }, /its password is empty/],
    ['a line feed at the end', { password: 'supplied\n' }, /ends in a line feed.*printf/],
    ['a password beyond ASCII', { password: 'pässwörter-sind-lang' }, /other than printable ASCII/],
    [
      'another username',
      { username: 'root', password: 'supplied by somebody' },
      /username is "root".*set username to "admin"/,
    ],
  ])('are refused with %s', (_, data: Record<string, string>, message) => {
    expect(problems({ 'Secret/kafka-user-admin': object(data) })).toEqual([expect.stringMatching(message)])
    // Also when nothing else is there yet: nothing is made before it is mended.
    expect(problems({ ...nothing, 'Secret/kafka-user-admin': object(data) })).toHaveLength(1)
  })

  it('never show a value in a message', () => {
    const secret = 'S3cret\n'
    expect(problems({ 'Secret/kafka-user-admin': object({ password: secret }) }).join()).not.toContain('S3cret')
  })
})

describe('certificates that others make', () => {
  const certManager = { ...spec, tls: { ...spec.tls, mode: 'cert-manager' as const } }
  const mine = { ...spec, tls: { ...spec.tls, mode: 'existing' as const } }

  it('are waited for, and the accounts with them', () => {
    expect(lines(nothing, now, certManager)).toEqual([
      'create ConfigMap kafka-identity: cluster id and directory ids of 3 controllers',
      'wait for Secret kafka-broker-tls (cert-manager makes it)',
      'wait for Secret kafka-controller-tls (cert-manager makes it)',
    ])
  })

  it('give clients the CA that signed the brokers’ certificate', async () => {
    const changes = {
      ...nothing,
      'ConfigMap/kafka-identity': identity,
      'Secret/kafka-broker-tls': await tlsSecret(broker, {
        issuer: foreign,
        bundle: foreign.certificate,
        annotations: {},
      }),
      'Secret/kafka-controller-tls': await tlsSecret(controller, { annotations: {} }),
    }
    const { steps } = planCredentials(certManager, existing(changes), now)
    expect(steps.map(({ name }) => name)).toEqual(['kafka-ca-bundle', 'kafka-user-kafka-broker', 'kafka-user-admin'])
    expect(steps[0]!.make).toEqual({ what: 'texts', data: { 'ca.crt': foreign.certificate } })
  })

  it('are never changed, and warned of when they end or lack a name', async () => {
    const short = await tlsSecret(
      { ...broker, dnsNames: ['localhost'] },
      { validDays: 10, annotations: {}, bundle: ca.certificate },
    )
    expect(lines({ 'Secret/kafka-broker-tls': short }, now, mine)).toEqual([
      'warning: Secret kafka-broker-tls: its certificate, which you supplied, ends on 2026-12-02: replace it in time.',
      'warning: Secret kafka-broker-tls: its certificate is not valid for *.kafka-headless.kafka.svc.cluster.local, ' +
        'kafka-service.kafka.svc: clients of those names refuse it.',
    ])
  })

  it('are refused without the CA that signed them', async () => {
    const { data } = await tlsSecret(broker)
    const { 'ca.crt': _, ...without } = data
    expect(problems({ 'Secret/kafka-broker-tls': object(without) }, now, mine)).toEqual([
      expect.stringMatching(/has no certificate in ca.crt: add the CA/),
    ])
    const wrong = object({ ...data, 'ca.crt': foreign.certificate })
    expect(problems({ 'Secret/kafka-broker-tls': wrong }, now, mine)).toEqual([
      expect.stringMatching(/the CA in ca.crt has not signed/),
    ])
  })
})
