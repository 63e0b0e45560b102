import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { version } from '../cells/version.ts'
import type { RunningCluster } from '../testing/cluster/cluster.ts'
import { OPERATOR_NAMESPACE } from '../testing/cluster/product.ts'
import { pushBase } from '../tools/release/rehearsal.ts'
import { releaseForClusters } from '../tools/release/release.ts'

const PORT = 5_000
/** The registry by its name on the first node, where it runs: containerd takes one of its own machine without TLS. */
const REGISTRY = `127.0.0.1:${PORT}/realms`

/**
 * Makes a release, pushes it to a registry, and has the installation in a cluster upgraded with the release's chart, whose nodes pull the
 * image by its digest.
 *
 * @returns the digest
 */
export async function upgradeToRelease(cluster: RunningCluster, parts: { crane: string; kube: string }): Promise<string> {
  const [node] = cluster.nodes
  if (!node) throw new Error('the cluster has no node')
  const out = await mkdtemp(join(tmpdir(), 'release-on-cluster-'))
  try {
    node.machine.launch(parts.crane, ['registry', 'serve', '--address', `0.0.0.0:${PORT}`])
    const registry = `${node.address}:${PORT}`
    await vi.waitFor(() => fetch(`http://${registry}/v2/`), { timeout: 10_000, interval: 50 })
    const { digest, chart } = await releaseForClusters(
      {
        ...{ crane: parts.crane, helm: join(parts.kube, 'helm'), base: await pushBase(parts.crane, registry, out) },
        ...{ version, revision: 'c0ffee', source: undefined, registry: REGISTRY, section: 'Unreleased', out, progress: () => {} },
      },
      `${registry}/realms/realm-operator`,
      await mkdtemp(join(out, 'work-')),
    )
    const image = [`image.repository=${REGISTRY}/realm-operator`, `image.tag=${version}`, `image.digest=${digest}`]
    const settings = image.flatMap((setting) => ['--set', setting])
    const place = ['--namespace', OPERATOR_NAMESPACE, '--wait', '--timeout', '120s']
    await cluster.helm('upgrade', 'realm-operator', chart, '--reuse-values', ...place, ...settings)
    return digest
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
