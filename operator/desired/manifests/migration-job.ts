import type { V1JobSpec, V1PodTemplateSpec } from '@kubernetes/client-node'
import { fnv1a } from '../../../cells/chassis/fnv1a.ts'
import type { Realm } from '../../../crds/realm.ts'
import { partName, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from '../naming.ts'
import { imageOf, type Platform } from '../platform.ts'
import { mergePods, type Pods } from '../pod-overrides.ts'
import { databaseSettings, type Settings } from '../settings.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { environmentOf, podTemplate } from './pod.ts'
import { resourcesOf } from './resources.ts'

/** The Job retries while a database is unreachable, even for a day: nothing else would start it again. */
const TRIES = 1_000_000

/** A proxy beside the migration would keep its pod running for ever, and a database needs none. The user's own values win. */
const NO_SIDECARS: Pods = {
  labels: { 'sidecar.istio.io/inject': 'false' },
  annotations: { 'linkerd.io/inject': 'disabled' },
}

/**
 * The Job that migrates an External database of a gatekeeper, once per version instead of once per replica; the gatekeeper's pods wait for
 * it. The pod template of a Job is immutable, so each template has a Job with a name of its own, and the earlier Job is removed.
 */
export function migrationJob(realm: Realm, platform: Platform): ManifestOf<V1JobSpec> | undefined {
  const { database, replicas } = realm.spec.gatekeeper
  if (database.type !== 'External' || !database.secret || replicas === 0) return undefined
  const { secret, caSecretName } = database
  const template = migrationPod(realm, databaseSettings({ secret, caSecretName }), platform)
  const name = `${partName(realm, 'migration')}-${fnv1a(JSON.stringify(template)).toString(16).padStart(8, '0')}`
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: realmChildMeta(realm, name, 'migration'),
    spec: { backoffLimit: TRIES, template },
  }
}

function migrationPod(realm: Realm, settings: Settings, platform: Platform): V1PodTemplateSpec {
  const { env, volumes, volumeMounts } = environmentOf(settings)
  const { metadata, spec } = podTemplate(
    {
      labels: realmLabels(realm, 'migration'),
      selector: realmSelector(realm, 'migration'),
      pods: mergePods(NO_SIDECARS, mergePods(realm.spec.pods, realm.spec.gatekeeper.pods)),
      serviceAccountName: serviceAccountName(realm.metadata.name),
      terminationGracePeriodSeconds: 15,
      volumes,
      container: {
        name: 'migration',
        image: imageOf(platform, realm.spec.version),
        imagePullPolicy: platform.imagePullPolicy,
        args: ['gatekeeper-migrate'],
        env,
        ...resourcesOf('migration', realm.spec.gatekeeper.migration?.resources),
        volumeMounts,
      },
    },
    platform,
  )
  return { ...(metadata && { metadata }), ...(spec && { spec: { ...spec, restartPolicy: 'OnFailure' } }) }
}
