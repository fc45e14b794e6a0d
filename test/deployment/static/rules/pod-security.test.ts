// Pod Security `restricted` and what goes beyond it: every field that weakens a pod is seen.
import { describeRule } from './example.ts'
import { noServiceLinks, noTokenWithoutReason, podSecurityRestricted, readOnlyRoot } from './pod-security.ts'

describeRule('podSecurityRestricted', podSecurityRestricted, [
  ['the host network', (d) => Object.assign(d.pod, { hostNetwork: true }), 'StatefulSet kafka: hostNetwork is set'],
  ['the host processes', (d) => Object.assign(d.pod, { hostPID: true }), /hostPID is set/],
  ['the host IPC', (d) => Object.assign(d.pod, { hostIPC: true }), /hostIPC is set/],
  ['a host path', (d) => d.pod.volumes.push({ name: 'h', hostPath: { path: '/' } }), /volume h is of type hostPath/],
  ['an NFS volume', (d) => d.pod.volumes.push({ name: 'n', nfs: {} }), /volume n is of type nfs/],
  [
    'an unsafe sysctl',
    (d) => Object.assign(d.pod.securityContext, { sysctls: [{ name: 'kernel.msgmax' }] }),
    /sysctl kernel.msgmax/,
  ],
  ['root', (d) => Object.assign(d.pod.securityContext, { runAsUser: 0 }), /runAsUser is 0/],
  [
    'root in a container',
    (d) => Object.assign(d.broker.securityContext, { runAsUser: 0 }),
    /container kafka: runAsUser is 0/,
  ],
  [
    'no seccomp profile',
    (d) => delete d.pod.securityContext.seccompProfile,
    /container kafka: seccompProfile.type is undefined/,
  ],
  [
    'an unconfined container',
    (d) => Object.assign(d.broker.securityContext, { seccompProfile: { type: 'Unconfined' } }),
    /seccompProfile.type is Unconfined/,
  ],
  ['a user that may be root', (d) => delete d.pod.securityContext.runAsNonRoot, /runAsNonRoot is not true/],
  [
    'a container that may be root',
    (d) => Object.assign(d.broker.securityContext, { runAsNonRoot: false }),
    /runAsNonRoot is not true/,
  ],
  ['a privileged container', (d) => Object.assign(d.broker.securityContext, { privileged: true }), /it is privileged/],
  [
    'an init container that may escalate',
    (d) => delete d.pod.initContainers[0].securityContext.allowPrivilegeEscalation,
    /container format: allowPrivilegeEscalation/,
  ],
  [
    'an ephemeral container that keeps capabilities',
    (d) => Object.assign(d.pod, { ephemeralContainers: [{ name: 'debug', securityContext: {} }] }),
    /container debug: capabilities.drop has no ALL/,
  ],
  [
    'an added capability',
    (d) => Object.assign(d.broker.securityContext.capabilities, { add: ['SYS_ADMIN'] }),
    /capability SYS_ADMIN is added/,
  ],
  [
    'an unmasked /proc',
    (d) => Object.assign(d.broker.securityContext, { procMount: 'Unmasked' }),
    /procMount is Unmasked/,
  ],
  ['a host port', (d) => Object.assign(d.broker.ports[0], { hostPort: 9092 }), /it takes host port 9092/],
  [
    'a probe of another host',
    (d) => Object.assign(d.broker.livenessProbe.tcpSocket, { host: '10.0.0.1' }),
    /livenessProbe names a host/,
  ],
  [
    'a Windows host process',
    (d) => Object.assign(d.pod.securityContext, { windowsOptions: { hostProcess: true } }),
    /hostProcess is set/,
  ],
  [
    'an SELinux type of its own',
    (d) => Object.assign(d.pod.securityContext, { seLinuxOptions: { type: 'spc_t' } }),
    /seLinuxOptions.type is spc_t/,
  ],
  [
    'an SELinux role',
    (d) => Object.assign(d.pod.securityContext, { seLinuxOptions: { role: 'r' } }),
    /seLinuxOptions.role is set/,
  ],
  [
    'no AppArmor',
    (d) => Object.assign(d.broker.securityContext, { appArmorProfile: { type: 'Unconfined' } }),
    /appArmorProfile.type is Unconfined/,
  ],
  [
    'no AppArmor, by annotation',
    (d) =>
      Object.assign(d.set.spec.template.metadata, {
        annotations: { 'container.apparmor.security.beta.kubernetes.io/kafka': 'unconfined' },
      }),
    /is unconfined/,
  ],
  [
    'a CronJob that may escalate',
    (d) => delete d.find('CronJob', 'renew').spec.jobTemplate.spec.template.spec.containers[0].securityContext,
    /CronJob renew, container renew: allowPrivilegeEscalation/,
  ],
])

describeRule('readOnlyRoot', readOnlyRoot, [
  [
    'a writable root',
    (d) => delete d.broker.securityContext.readOnlyRootFilesystem,
    /container kafka: readOnlyRootFilesystem/,
  ],
])

describeRule('noServiceLinks', noServiceLinks, [
  ['service links', (d) => delete d.pod.enableServiceLinks, /enableServiceLinks is not false/],
])

describeRule('noTokenWithoutReason', noTokenWithoutReason, [
  [
    'a token by default',
    (d) => delete d.pod.automountServiceAccountToken,
    /container kafka: has a service-account token .* \(automountServiceAccountToken is not false\)/,
  ],
  [
    'a token in the broker',
    (d) => {
      d.pod.volumes.push({ name: 'token', projected: { sources: [{ serviceAccountToken: {} }] } })
      d.broker.volumeMounts.push({ name: 'token', mountPath: '/token' })
    },
    /container kafka: has a service-account token without a known reason/,
  ],
])
