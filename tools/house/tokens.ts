import { SyntaxKind } from 'typescript/unstable/ast'
import { createScanner, tokenIsIdentifierOrKeyword } from 'typescript/unstable/ast/scanner'

/** A piece of a source file that people read. Punctuation, numbers and regular expressions are left out. */
export interface Token {
  kind: 'identifier' | 'comment' | 'string'
  text: string
  /** From 1. */
  line: number
}

const STRINGS = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
])
const COMMENTS = new Set([SyntaxKind.SingleLineCommentTrivia, SyntaxKind.MultiLineCommentTrivia])
const TRIVIA = new Set([...COMMENTS, SyntaxKind.WhitespaceTrivia, SyntaxKind.NewLineTrivia])
/** After these a slash divides; after anything else it begins a regular expression. */
const ENDS_OF_OPERANDS = new Set([
  SyntaxKind.Identifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.ThisKeyword,
  ...STRINGS,
])

/** The identifiers, comments and strings of a TypeScript file, in order. Keywords count as identifiers. */
export function tokensOf(text: string): Token[] {
  const scanner = createScanner(false, undefined, text)
  const tokens: Token[] = []
  // For each open `${` the number of braces that are open within it.
  const substitutions: number[] = []
  let previous: SyntaxKind | undefined
  let line = 1
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFile; kind = scanner.scan()) {
    if (kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) {
      if (previous === undefined || !ENDS_OF_OPERANDS.has(previous)) kind = scanner.reScanSlashToken()
    } else if (kind === SyntaxKind.OpenBraceToken) substitutions.push((substitutions.pop() ?? 0) + 1)
    else if (kind === SyntaxKind.CloseBraceToken) {
      const open = substitutions.pop() ?? 0
      if (open > 0) substitutions.push(open - 1)
      else kind = scanner.reScanTemplateToken(false)
    }
    if (kind === SyntaxKind.TemplateHead || kind === SyntaxKind.TemplateMiddle) substitutions.push(0)
    const token = scanner.getTokenText()
    const readAs = COMMENTS.has(kind) ? 'comment' : STRINGS.has(kind) ? 'string' : isName(kind) ? 'identifier' : undefined
    if (readAs) tokens.push({ kind: readAs, text: token, line })
    line += token.split('\n').length - 1
    if (!TRIVIA.has(kind)) previous = kind
  }
  return tokens
}

const isName = (kind: SyntaxKind): boolean => kind === SyntaxKind.PrivateIdentifier || tokenIsIdentifierOrKeyword(kind)
