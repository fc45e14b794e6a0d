// The cluster's network: a network namespace that is the node, with a bridge, and one for every pod, joined to it. Addresses and
// packets exist only in there.
import { run } from '@selfmonitor/apache'

/** Pods live in 10.244.0.0/16, Services in 10.96.0.0/16, as most clusters have it; the API server beside the node. */
export const addresses = {
  bridge: '10.244.0.1',
  dns: '10.244.0.2',
  dnsService: '10.96.0.10',
  apiService: '10.96.0.1',
  node: '192.168.77.1',
  apiServer: '192.168.77.10',
  apiServerPort: 6443,
} as const

export interface Network {
  /** Name of the node's namespace, for `ip netns exec`. */
  readonly node: string
  readonly apiServer: string
  /** Makes a namespace with an address on the pods' bridge. @returns its name. */
  addPod(ip: string): Promise<string>
  removePod(namespace: string): Promise<void>
  /** Loads nftables rules into a namespace, replacing the tables they name, in one step. */
  filter(namespace: string, tables: string): Promise<void>
}

/** Path under which runc and others enter a namespace by name. */
export const namespacePath = (name: string): string => `/run/netns/${name}`

/** Runs a program that has to succeed. @throws Error with what it said. */
export async function must(command: string, args: readonly string[], stdin?: string): Promise<string> {
  const result = await run(command, args, { stdin, timeoutMs: 60_000 })
  if (result.exitCode !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed (${result.exitCode}): ${result.stderr.trim()}\n${stdin ?? ''}`)
  }
  return result.stdout
}

/** @param prefix begins the names of all namespaces of this cluster, so that they can be found again after a crash. */
export async function createNetwork(prefix: string): Promise<Network> {
  const node = `${prefix}-node`
  const apiServer = `${prefix}-api`
  let count = 0
  await must('ip', ['netns', 'add', node])
  await ip(node, ['link set lo up', 'link add pods type bridge forward_delay 0'])
  await ip(node, [`addr add ${addresses.bridge}/16 dev pods`, 'link set pods up'])
  // Packets between pods are switched, not routed; what passes between pods and the API server is routed by the node.
  await inside(node, 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables; echo 1 > /proc/sys/net/ipv4/ip_forward')
  await must('ip', ['netns', 'add', apiServer])
  await ip(node, [`link add api type veth peer name eth0 netns ${apiServer}`])
  await ip(node, [`addr add ${addresses.node}/24 dev api`, 'link set api up'])
  await ip(apiServer, ['link set lo up', `addr add ${addresses.apiServer}/24 dev eth0`, 'link set eth0 up'])
  await ip(apiServer, [`route add default via ${addresses.node}`])

  return {
    node,
    apiServer,
    async addPod(address) {
      const number = ++count
      const name = `${prefix}-${number}`
      await must('ip', ['netns', 'add', name])
      await inside(name, 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
      await ip(node, [`link add v${number} type veth peer name eth0 netns ${name}`])
      await ip(node, [`link set v${number} master pods up`])
      await ip(name, ['link set lo up', `addr add ${address}/16 dev eth0`, 'link set eth0 up'])
      await ip(name, [`route add default via ${addresses.bridge}`])
      return name
    },
    async removePod(name) {
      await run('ip', ['netns', 'del', name])
    },
    async filter(name, tables) {
      // Naming a table makes it if it is not there, so that deleting it never fails.
      const names = [...tables.matchAll(/^table (\w+ \w+) \{/gm)].map((match) => match[1])
      const fresh = names.map((table) => `table ${table}\ndelete table ${table}\n`).join('')
      await must('ip', ['netns', 'exec', name, 'nft', '-f', '-'], fresh + tables)
    },
  }
}

async function ip(namespace: string, lines: readonly string[]): Promise<void> {
  await must('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
}

async function inside(namespace: string, script: string): Promise<void> {
  await must('ip', ['netns', 'exec', namespace, '/bin/sh', '-ec', script])
}
