import { stringify } from 'yaml'
import { type ClusterOptions, inCluster } from '../cluster/cluster.ts'
import { diagnose, diagnosisText } from '../doctor/diagnosis.ts'
import type { RealmProbes } from '../doctor/seen-realm.ts'
import type { ClusterPorts } from './cluster-ports.ts'

export interface DoctorOptions extends ClusterOptions {
  output?: 'table' | 'json' | 'yaml'
}

/**
 * Checks an installation with a line for each of its realms, or one realm in detail. Where nothing is installed, it says whether the
 * cluster could have it.
 *
 * @returns the exit code: 1 where a check failed
 * @throws UserError 1 where there is no such Realm, and as `inCluster`
 */
export async function doctor(
  name: string | undefined,
  { output = 'table', ...options }: DoctorOptions,
  ports: ClusterPorts & { probes: RealmProbes },
): Promise<number> {
  const diagnosis = await inCluster(options, ports.env, (cluster) => diagnose(cluster, name, ports))
  if (output === 'json') await ports.print(`${JSON.stringify(diagnosis, null, 2)}\n`)
  else if (output === 'yaml') await ports.print(stringify(diagnosis))
  else await ports.print(diagnosisText(diagnosis, ports.style))
  return diagnosis.summary.failed > 0 ? 1 : 0
}
