import { AlignflowError } from '../errors.js';
import { droppedRows, type OperatorAccount } from '../graph/account.js';
import { branchName } from '../manifest/names.js';
import type { StageRows } from './stage-rows.js';

/** Rows in = rows out + dropped rows, for each operator of a stage (and its branches) whose rows came to their end. */
export function checkSums(stage: string, { accounts, branches, ended }: StageRows): void {
  if (!ended) return;
  checkAccounts(stage, accounts);
  for (const branch of branches) checkAccounts(branchName(stage, branch.name), branch.accounts);
}

/** Throws an `AlignflowError` that names the first operator that lost rows, or made them up. */
export function checkAccounts(stage: string, accounts: readonly OperatorAccount[]): void {
  for (const account of accounts) {
    const lost = account.rowsIn - account.rowsOut - droppedRows(account);
    if (lost !== 0) throw lostRows(stage, account, lost);
  }
}

function lostRows(stage: string, account: OperatorAccount, lost: number): AlignflowError {
  return new AlignflowError({
    what: `${account.rowsIn} rows went in, ${account.rowsOut} came out and ${droppedRows(account)} were dropped: ${
      lost > 0 ? `${lost} were lost` : `${-lost} are too many`
    }`,
    where: { stage, operator: account.operator },
    expected: 'rows in = rows out + dropped rows',
    fix: 'an operator that leaves a row out must call context.drop for it; run the conformance suite on it',
  });
}
