// All rules by name: what the rendered chart is held against. The names are the test's titles.
import { acceptedByApiServer, namespaceIsNamed, recommendedLabels } from './names.ts'
import {
  everyPodHasDns,
  everyPodHasPolicies,
  openPortsAreLetIn,
  policiesNameOpenPorts,
  policiesPair,
  servicesHitPods,
  workloadsSelectTheirPods,
} from './network.ts'
import { noServiceLinks, noTokenWithoutReason, podSecurityRestricted, readOnlyRoot } from './pod-security.ts'
import { accountsExist, commandsExist, referencedDataExists, rightsAreNarrow, volumesMatch } from './references.ts'
import type { Rule } from './rule.ts'
import { noCredentials } from './secrets.ts'
import {
  budgetsLeaveQuorum,
  imagesArePinned,
  jobsAreBounded,
  probesAreMeaningful,
  resourcesAreSane,
  spreadSelectsItself,
  statefulSetsStopGently,
} from './workloads.ts'

export { clusterScopedClashes, upgradeConflicts } from './names.ts'
export { connections, connectionsOutside } from './network.ts'

export const rules = {
  podSecurityRestricted,
  readOnlyRoot,
  noServiceLinks,
  noTokenWithoutReason,
  referencedDataExists,
  volumesMatch,
  commandsExist,
  accountsExist,
  rightsAreNarrow,
  servicesHitPods,
  workloadsSelectTheirPods,
  everyPodHasPolicies,
  policiesNameOpenPorts,
  openPortsAreLetIn,
  policiesPair,
  everyPodHasDns,
  imagesArePinned,
  resourcesAreSane,
  probesAreMeaningful,
  budgetsLeaveQuorum,
  spreadSelectsItself,
  jobsAreBounded,
  statefulSetsStopGently,
  noCredentials,
  acceptedByApiServer,
  recommendedLabels,
  namespaceIsNamed,
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules
