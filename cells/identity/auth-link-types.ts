import type { AuthLinkType } from '@dcl/schemas'

/**
 * The types of the links of an auth chain. They are not taken from `@dcl/schemas`, which compiles validators of all its schemas when it is loaded:
 * a third of the time in which a service starts.
 */
export const AUTH_LINK = {
  signer: 'SIGNER' as AuthLinkType.SIGNER,
  delegation: 'ECDSA_EPHEMERAL' as AuthLinkType.ECDSA_PERSONAL_EPHEMERAL,
  signedText: 'ECDSA_SIGNED_ENTITY' as AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY,
  contractDelegation: 'ECDSA_EIP_1654_EPHEMERAL' as AuthLinkType.ECDSA_EIP_1654_EPHEMERAL,
  contractSignedText: 'ECDSA_EIP_1654_SIGNED_ENTITY' as AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY,
} as const
