/** Who has approved as whom, and whether that answers for everybody who was asked. */

export type Approval = {
  /** Index into the steps of the plan. */
  readonly step: number
  /** The subject of a token. */
  readonly by: string
  /** Those of the approvers that they are. */
  readonly as: readonly string[]
}

/**
 * Can each approver be given an approval of its own? Somebody who is in two groups answers for one of
 * them, for whichever leaves most for the others (bipartite matching; both sides are short).
 */
export function areAllAnswered(
  approvers: readonly string[],
  approvals: readonly Approval[],
): boolean {
  /** Which approver an approval answers for. */
  const taken = new Map<Approval, string>()
  const answer = (approver: string, tried: Set<Approval>): boolean =>
    approvals.some(approval => {
      if (!approval.as.includes(approver) || tried.has(approval)) return false
      tried.add(approval)
      const before = taken.get(approval)
      if (before !== undefined && !answer(before, tried)) return false
      taken.set(approval, approver)
      return true
    })
  return approvers.every(approver => answer(approver, new Set()))
}
