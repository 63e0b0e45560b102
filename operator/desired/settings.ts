/** The configuration of one process, as its environment: a literal, or where a Secret holds it. */
export type Settings = Readonly<Record<string, string | SecretRef>>

/** A key of a Secret in the realm's namespace; the operator never reads it, the kubelet mounts it. */
export interface SecretRef {
  secret: string
  key: string
}
