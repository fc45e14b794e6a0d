// Images, resources, probes, budgets and Jobs that would fail on some night are seen.
import { describeRule } from './example.ts'
import {
  budgetsLeaveQuorum,
  imagesArePinned,
  jobsAreBounded,
  probesAreMeaningful,
  resourcesAreSane,
  spreadSelectsItself,
  statefulSetsStopGently,
} from './workloads.ts'

describeRule('imagesArePinned', imagesArePinned, [
  ['no tag', (d) => Object.assign(d.broker, { image: 'registry:5000/kafka' }), /has neither tag nor digest/],
  ['the latest', (d) => Object.assign(d.broker, { image: 'kafka:latest' }), /is whatever is latest/],
  ['a cut digest', (d) => Object.assign(d.broker, { image: 'kafka@sha256:abc' }), /has a malformed digest/],
])

describeRule('resourcesAreSane', resourcesAreSane, [
  ['no memory limit', (d) => delete d.broker.resources.limits.memory, /container kafka: has no limit of memory/],
  ['no processor request', (d) => delete d.broker.resources.requests.cpu, /requests no cpu/],
  [
    'a request above its limit',
    (d) => Object.assign(d.broker.resources.requests, { memory: '2Gi' }),
    /requests 2Gi of memory, its limit is 1Gi/,
  ],
  [
    'a heap as large as the memory',
    (d) => Object.assign(d.broker.env[0], { value: '-Xmx1g' }),
    /heap 1024 MiB and 16 MiB of emptyDir in memory, its limit is 1Gi/,
  ],
  [
    'files in memory that fill it',
    (d) => Object.assign(d.pod.volumes[1].emptyDir, { sizeLimit: '512Mi' }),
    /heap 512 MiB and 512 MiB/,
  ],
  ['an emptyDir of any size', (d) => delete d.pod.volumes[1].emptyDir.sizeLimit, /emptyDir run has no sizeLimit/],
])

describeRule('probesAreMeaningful', probesAreMeaningful, [
  ['no readiness', (d) => delete d.broker.readinessProbe, /has no readinessProbe/],
  ['no liveness', (d) => delete d.broker.livenessProbe, /has no livenessProbe/],
  [
    'liveness that asks for readiness',
    (d) => Object.assign(d.broker, { livenessProbe: { ...d.broker.readinessProbe, periodSeconds: 30 } }),
    /liveness asks what readiness asks/,
  ],
  [
    'two equal questions to an open port',
    (d) => Object.assign(d.broker, { readinessProbe: d.broker.livenessProbe }),
    /liveness checks the same as readiness, and is not more patient/,
  ],
  [
    'a port that is not open',
    (d) => Object.assign(d.broker.livenessProbe.tcpSocket, { port: 'clients' }),
    /livenessProbe asks port clients, which it does not open/,
  ],
  [
    'a probe longer than its period',
    (d) => Object.assign(d.broker.livenessProbe, { timeoutSeconds: 20 }),
    /livenessProbe may take longer than its period/,
  ],
  [
    'two successes of liveness',
    (d) => Object.assign(d.broker.livenessProbe, { successThreshold: 2 }),
    /successThreshold of livenessProbe must be 1/,
  ],
])

describeRule('budgetsLeaveQuorum', budgetsLeaveQuorum, [
  ['no budget', (d) => d.remove('PodDisruptionBudget', 'kafka'), /has 3 replicas and no PodDisruptionBudget/],
  [
    'two at once',
    (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 2 }),
    /leaves 1 of 3, which is not a majority/,
  ],
  [
    'two of five at once',
    (d) => [
      Object.assign(d.set.spec, { replicas: 5 }),
      Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 2 }),
    ],
    /lets 2 of 5 go at once/,
  ],
  [
    'none',
    (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: 0 }),
    /a node can never be drained/,
  ],
  [
    'a share that leaves no majority',
    (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec, { maxUnavailable: '50%' }),
    /leaves 1 of 3/,
  ],
  [
    'a selector without pods',
    (d) => Object.assign(d.find('PodDisruptionBudget', 'kafka').spec.selector.matchLabels, { app: 'x' }),
    /selects pods of no workload/,
  ],
  ['two budgets', (d) => d.objects.push({ ...d.find('PodDisruptionBudget', 'kafka') }), /has 2 budgets/],
])

describeRule('spreadSelectsItself', spreadSelectsItself, [
  [
    'a spread of other pods',
    (d) => Object.assign(d.pod.topologySpreadConstraints[0].labelSelector.matchLabels, { app: 'x' }),
    /spread over topology.kubernetes.io\/zone does not select its own pods/,
  ],
  [
    'no selector',
    (d) => Object.assign(d.pod.topologySpreadConstraints[0], { labelSelector: {} }),
    /does not select its own pods/,
  ],
  ['all on one node', (d) => delete d.pod.affinity, /not spread over kubernetes.io\/hostname/],
])

describeRule('jobsAreBounded', jobsAreBounded, [
  [
    'no deadline',
    (d) => delete d.find('Job', 'credentials').spec.activeDeadlineSeconds,
    /Job credentials: has no activeDeadlineSeconds/,
  ],
  [
    'no number of tries',
    (d) => delete d.find('CronJob', 'renew').spec.jobTemplate.spec.backoffLimit,
    /CronJob renew: has no backoffLimit/,
  ],
  ['two at once', (d) => delete d.find('CronJob', 'renew').spec.concurrencyPolicy, /concurrencyPolicy is not Forbid/],
  [
    'a Job that always starts again',
    (d) => delete d.find('Job', 'credentials').spec.template.spec.restartPolicy,
    /restartPolicy is neither/,
  ],
])

describeRule('statefulSetsStopGently', statefulSetsStopGently, [
  [
    'half a minute to stop',
    (d) => delete d.pod.terminationGracePeriodSeconds,
    /terminationGracePeriodSeconds is under a minute/,
  ],
  [
    'two at once',
    (d) =>
      Object.assign(d.set.spec, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }),
    /an update takes 2 pods at once/,
  ],
])
