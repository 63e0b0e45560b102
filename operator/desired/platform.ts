import type { Component, Workload, WorkloadImage } from '../observed/workload.ts'

/** Settings of the operator's installation that hold for every realm: values of its Helm chart. */
export interface Platform {
  /** Repository of the cells' image, without tag; the tag or digest is the realm's `spec.version`. */
  imageRepository: string
  /** Image of a Managed NATS, with tag. */
  natsImage: string
  /** Image of a Managed LiveKit, with tag. */
  livekitImage: string
  /** Image of the proxy behind the load balancer of a realm, with tag. */
  proxyImage: string
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  /** Whether pods have user and group ids; not where the cluster assigns them, as OpenShift does. */
  userIds: boolean
  /** DNS suffix of Services, usually `cluster.local`. */
  clusterDomain: string
  /** Namespace of the operator and the realm provider, which may connect to every realm's pods. */
  namespace: string
  /** Base URL at which the operator asks the realm provider, and which the status names. */
  providerUrl: string
}

/** The image of the cells for a version, which is a tag or a digest. */
export const imageOf = ({ imageRepository }: Platform, version: string): string =>
  version.startsWith('sha256:') ? `${imageRepository}@${version}` : `${imageRepository}:${version}`

const OF_SERVERS = { nats: 'natsImage', livekit: 'livekitImage', proxy: 'proxyImage' } as const

/** The components whose images are those of other projects. */
export const isServer = (component: Component): component is keyof typeof OF_SERVERS => Object.hasOwn(OF_SERVERS, component)

const fieldOf = (component: Component) => (isServer(component) ? OF_SERVERS[component] : 'imageRepository')

/** What a workload of this version is made with: the first of the known ones that is of the version, else what the installation says now. */
export const imageFor = (
  platform: Platform,
  component: Component,
  version: string,
  known: readonly (WorkloadImage | undefined)[],
): WorkloadImage =>
  known.find((image) => image?.version === version) ?? {
    version,
    image: platform[fieldOf(component)],
    pullPolicy: platform.imagePullPolicy,
  }

/** The installation as it was when the image of this component was chosen. */
export const withImage = (platform: Platform, component: Component, { image, pullPolicy }: WorkloadImage): Platform => ({
  ...platform,
  [fieldOf(component)]: image,
  imagePullPolicy: pullPolicy,
})

/** What a workload keeps. One that does not run because its image is missing keeps nothing: another repository may have it. */
export const keptImage = (workload: Workload | undefined): WorkloadImage | undefined =>
  workload?.ready === 0 && workload.problem?.isImageMissing ? undefined : workload?.image
