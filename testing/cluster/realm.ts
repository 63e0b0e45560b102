import type { RunningCluster } from './cluster.ts'
import type { IngressProxy } from './ingress-proxy.ts'

/** The namespace of the realms, which accepts only pods of the `restricted` Pod Security profile. */
export const REALMS_NAMESPACE = 'metaverse'

/** Time limit from applying a realm until it is published. */
const PUBLISH_TIMEOUT = '120s'

/** A manifest of a Realm, with the fields that are changed here. */
interface RealmManifest {
  metadata: { name: string }
  spec: { livekit?: { type?: string; url?: string } }
}

/** The namespace of the realms. */
export const realmsNamespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: REALMS_NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
}

/** Applies a realm whose URL is that of the ingress proxy, and waits until it is published. */
export async function applyRealm(cluster: RunningCluster, ingress: IngressProxy, manifest: RealmManifest): Promise<void> {
  const { name } = manifest.metadata
  const { livekit } = manifest.spec
  await cluster.apply([realmsNamespace])
  const reachable = {
    ...manifest,
    spec: {
      ...manifest.spec,
      ...(livekit?.type === 'Managed' && { livekit: { ...livekit, url: await ingress.openLivekit(REALMS_NAMESPACE, name) } }),
      exposure: { type: 'None', url: ingress.realmUrl(REALMS_NAMESPACE, name) },
    },
  }
  await cluster.apply([reachable], REALMS_NAMESPACE)
  const waiting = ['--for=condition=Published', `realm/${name}`, '--namespace', REALMS_NAMESPACE, `--timeout=${PUBLISH_TIMEOUT}`]
  await cluster.kubectl('wait', ...waiting)
}
