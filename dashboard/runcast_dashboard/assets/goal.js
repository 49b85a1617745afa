// Whether the least or the most of a metric is best: as `define_metric(…, goal=…)` says, or as its name does.

const LEAST = /(^|[^a-z])(loss|error|err|nll|perplexity|ppl|mae|mse|rmse|mape|wer|cer|fid|regret|latency)([^a-z]|$)/;
const MOST = /(^|[^a-z])(acc|accuracy|auc|auroc|f1|precision|recall|reward|return|score|bleu|rouge|psnr|ssim|iou|map|dice|r2|elo)([^a-z0-9]|$)/;

// What a book of definitions, whose names may end in `*`, holds for a metric: its own, or that of the longest glob.
export function held(book, name) {
  let said = book[name];
  let longest = -1;
  for (const [key, value] of said ? [] : Object.entries(book)) {
    const stem = key.endsWith("*") ? key.slice(0, -1) : null;
    if (stem !== null && stem.length > longest && name.startsWith(stem)) [said, longest] = [value, stem.length];
  }
  return said;
}

// -1: the least is best; 1: the most; 0: nobody knows.
export function goalOf(run, name) {
  const said = held(run.goals, name);
  if (said) return said === "minimize" ? -1 : 1;
  const words = name.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return LEAST.test(words) ? -1 : MOST.test(words) ? 1 : 0;
}
