// A container as runc's configuration (OCI runtime specification): the pod's words, nothing added and nothing left out.

import { quantity } from '../../static/objects.ts'
import type { Container, PodSpec } from './pod-spec.ts'

export interface BundleMount {
  readonly destination: string
  readonly source: string
  readonly readOnly: boolean
}

export interface BundleOptions {
  readonly container: Container
  readonly pod: PodSpec
  readonly hostname: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly BundleMount[]
  /** Path of the pod's network namespace; null makes one with nothing but itself. */
  readonly networkNamespace: string | null
  readonly cgroupsPath: string
}

/** The `config.json` of one container. */
export function bundleConfig(options: BundleOptions): object {
  const { container, pod } = options
  const security = { ...pod.securityContext, ...container.securityContext }
  const limits = container.resources?.limits ?? {}
  const period = 100_000
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: {
        uid: security.runAsUser,
        gid: security.runAsGroup ?? 0,
        additionalGids: [
          ...(pod.securityContext?.fsGroup === undefined ? [] : [pod.securityContext.fsGroup]),
          ...(pod.securityContext?.supplementalGroups ?? []),
        ],
      },
      args: options.args,
      env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
      cwd: container.workingDir ?? '/',
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: options.hostname,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      // Java reads its memory limit from here.
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      },
      ...options.mounts.map((mount) => ({
        destination: mount.destination,
        type: 'bind',
        source: mount.source,
        options: ['rbind', 'nosuid', 'nodev', mount.readOnly ? 'ro' : 'rw'],
      })),
    ],
    linux: {
      cgroupsPath: options.cgroupsPath,
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        options.networkNamespace === null ? { type: 'network' } : { type: 'network', path: options.networkNamespace },
      ],
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        ...(limits.memory === undefined ? {} : { memory: { limit: quantity(limits.memory) } }),
        ...(limits.cpu === undefined
          ? {}
          : { cpu: { period, quota: Math.max(1000, Math.round(quantity(limits.cpu) * period)) } }),
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

/** Mounts in the order in which they must be made: a folder before its content. */
export function inMountOrder(mounts: readonly BundleMount[]): BundleMount[] {
  const depth = (path: string) => path.split('/').filter(Boolean).length
  return [...mounts].sort((a, b) => depth(a.destination) - depth(b.destination))
}
