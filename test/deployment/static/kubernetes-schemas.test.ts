// The schemas catch what a typing mistake in a template does: without this the proof of the chart proves nothing.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { kubernetesVersions, loadKubernetesSchemas } from './kubernetes-schemas.ts'
import { type Json, type KubernetesObject, parseObjects } from './objects.ts'

const schemas = await orMissing(loadKubernetesSchemas)

const good = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - { name: A, value: "1" }
          ports:
            - { name: http, containerPort: 8080 }
          livenessProbe: { httpGet: { port: http } }
          resources: { limits: { memory: 1Gi, cpu: 1 } }
`

describe.skipIf('missing' in schemas).each(kubernetesVersions)('Kubernetes %s', (version) => {
  const mistakes = (edit: (object: Json) => void, yaml = good) => {
    if ('missing' in schemas) return []
    const object = structuredClone(parseObjects(yaml)[0]!)
    edit(object)
    return schemas.value(version, object as KubernetesObject)
  }
  const container = (object: Json) => object.spec.template.spec.containers[0]

  it('accepts a Deployment that is right', () => {
    expect(mistakes(() => {})).toEqual([])
  })

  it('refuses a misspelt field, with its place', () => {
    expect(
      mistakes((object) => {
        container(object).imag = 'web:1'
      }),
    ).toEqual(['/spec/template/spec/containers/0: there is no field "imag"'])
  })

  it('refuses a string where a number belongs', () => {
    expect(
      mistakes((object) => {
        object.spec.replicas = '2'
      }),
    ).toEqual(['/spec/replicas: must be integer, but is "2"'])
  })

  it('refuses a number where a string belongs, as an unquoted environment variable gives', () => {
    expect(
      mistakes((object) => {
        container(object).env[0].value = 1
      }),
    ).toEqual(['/spec/template/spec/containers/0/env/0/value: must be string, but is 1'])
  })

  it('refuses null, which is what an empty template leaves', () => {
    expect(
      mistakes((object) => {
        object.metadata.labels = null
      }),
    ).toEqual(['/metadata/labels: must be object, but is null'])
  })

  it('refuses a field that is missing', () => {
    expect(
      mistakes((object) => {
        delete object.spec.selector
      }),
    ).toEqual([expect.stringMatching(/^\/spec: must have required property 'selector'/)])
  })

  it('refuses two ports of one number', () => {
    expect(
      mistakes((object) => {
        container(object).ports.push({ name: 'again', containerPort: 8080, protocol: 'TCP' })
      }),
    ).toEqual(['/spec/template/spec/containers/0/ports: two items with the same containerPort and protocol'])
  })

  it('refuses a kind in a group that has none of it', () => {
    expect(
      mistakes((object) => {
        object.apiVersion = 'extensions/v1beta1'
      }),
    ).toEqual(['there is no extensions/v1beta1 Deployment'])
  })

  it('refuses a Secret whose data is not base64', () => {
    expect(mistakes(() => {}, 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "not base64!"}')).toEqual([
      expect.stringMatching(/^\/data\/a: must match format "byte"/),
    ])
  })

  it('refuses a misspelt field of a custom resource, and of its metadata', () => {
    const certificate = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: c, label: {} }
spec: { secretNam: s, secretName: s, issuerRef: { name: i } }`
    expect(mistakes(() => {}, certificate)).toEqual([
      '/metadata: there is no field "label"',
      '/spec: there is no field "secretNam"',
    ])
  })
})

describe('rendered YAML', () => {
  it('is read as kubectl reads it: a leading zero is octal', () => {
    expect(parseObjects('apiVersion: v1\nkind: X\nmetadata: {name: x}\nmode: 0555')[0]?.mode).toBe(0o555)
  })

  it('with a key twice is refused', () => {
    expect(() => parseObjects('apiVersion: v1\nkind: X\nkind: Y\nmetadata: {name: x}')).toThrow(/unique/)
  })
})
