/** Settings of the operator's installation that hold for every realm: values of its Helm chart. */
export interface Platform {
  /** Repository of the cells' image, without tag; the tag or digest is the realm's `spec.version`. */
  imageRepository: string
  /** Image of a Managed NATS, with tag. */
  natsImage: string
  /** Image of a Managed LiveKit, with tag. */
  livekitImage: string
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
