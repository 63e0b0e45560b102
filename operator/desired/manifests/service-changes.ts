import type { Component, Workload, WorkloadImage } from '../../observed/workload.ts'
import { COMPONENT_LABEL, IMAGE_ANNOTATION, TEMPLATE_ANNOTATION } from '../naming.ts'
import type { ServicesHold } from '../rollout/services-hold.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { structuralHash } from './structural-hash.ts'

/** A workload with a record of what it was made with; other objects are unchanged. */
export const madeWith = (manifest: KubeManifest, image: WorkloadImage): KubeManifest =>
  templateOf(manifest) ? annotated(manifest, { [IMAGE_ANNOTATION]: JSON.stringify(image) }) : manifest

/**
 * A workload with a fingerprint of its pod template, by which a change of it is recognized before it is made. It is on the workload and
 * not on its pods, which do not notice another way to compute it.
 */
export function fingerprinted(manifest: KubeManifest): KubeManifest {
  const template = templateOf(manifest)
  if (!template) return manifest
  return annotated(manifest, { [TEMPLATE_ANNOTATION]: structuralHash(template).toString(16).padStart(8, '0') })
}

const templateOf = (manifest: KubeManifest): object | undefined => (manifest as { spec?: { template?: object } }).spec?.template

const annotated = (manifest: KubeManifest, more: Record<string, string>): KubeManifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, annotations: { ...manifest.metadata.annotations, ...more } },
})

/** The objects of a realm that may be applied now, and the services that keep the pods they have for now. */
export interface ServiceChanges {
  manifests: readonly KubeManifest[]
  held: readonly Component[]
}

/**
 * Leaves out the services whose pods a change would replace before it may. Services change one after the other, in the order of the
 * manifests: the next one waits until the pods of those before it are ready. A service that does not exist has nothing to lose, and is
 * created at once.
 */
export function serviceChanges(
  manifests: readonly KubeManifest[],
  services: readonly Workload[],
  hold: ServicesHold | undefined,
): ServiceChanges {
  const held: Component[] = []
  let isBusy = false
  const allowed = manifests.filter((manifest) => {
    const template = manifest.metadata.annotations?.[TEMPLATE_ANNOTATION]
    const component = manifest.metadata.labels?.[COMPONENT_LABEL] as Component
    // A migration is a part of the gatekeeper.
    const exists = services.some((service) => service.component === (component === 'migration' ? 'gatekeeper' : component))
    if (template === undefined || !exists) return true
    const same = services.find((service) => service.component === component && service.template === template)
    if (same) isBusy ||= same.updated < same.desired
    else if (isBusy || isHeld(component, services, hold)) held.push(component)
    else isBusy = true
    return !held.includes(component)
  })
  return { manifests: allowed, held }
}

/** No cell can prove anything without the NATS of its realm, so one that does not work is changed at once. */
function isHeld(component: Component, services: readonly Workload[], hold: ServicesHold | undefined): boolean {
  const works = services.some((service) => service.component === component && service.ready > 0)
  return hold === 'RolloutPaused' || (hold !== undefined && (component !== 'nats' || works))
}
