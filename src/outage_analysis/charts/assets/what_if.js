// The sliders inside one element: whatIf(root, data). It looks nowhere else, so a page may have
// several. In a report, `box` is the element with the budget; there the range of the cash moves too,
// and the charts of the total with it. The controls alone hold the settings.
const LINE = 17, DOT_ROOM = 150;  // pixels between two labels of marks, and for the highest stack
const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
const tenDigits = value => Number(value.toPrecision(10));

// Amounts as the report says them.
function speaker(say) {
  const minor = 10 ** say.minor;
  // Halves go to the even neighbour, as they do in the report.
  const grouped = (value, digits) => value.toLocaleString('en', {roundingMode: 'halfEven', ...digits});
  const short = {maximumSignificantDigits: 10}, two = {maximumSignificantDigits: 2, useGrouping: false};
  const twoDigits = value => Number(grouped(value, two));
  const decimals = {minimumFractionDigits: say.minor, maximumFractionDigits: say.minor};

  function scaled(units, steps, gap) {
    const [size, name] = steps.find(([size]) => units >= size) ?? [1, ''];
    return grouped(units / size, short) + (name && gap + name);
  }

  function inWords(units) {
    if (!say.korean) return `${scaled(units, say.steps, say.gap)} ${say.unit}`;
    let rest = Math.round(units), text = '';
    for (const [size, name] of say.steps) {
      if (rest >= size) text += `${grouped(Math.floor(rest / size))}${name} `;
      rest %= size;
    }
    return text + (rest || !text ? grouped(rest) : '') + say.unit;
  }

  const money = amount => inWords(twoDigits(amount / minor));
  const amount = amount => grouped(amount / minor, decimals);
  return {
    minor,
    money,
    amount,
    full: amount => inWords(tenDigits(amount / minor)),
    brief: amount => scaled(twoDigits(amount / minor), say.brief, ''),
    exact: value => fill(say.exact, {amount: amount(value)}),
    change(now, before) {
      const added = Math.abs(now - before), sign = now < before ? say.less : say.more;
      const share = before ? `${sign}${grouped(twoDigits(added / before * 100), short)}%` : '–';
      return added ? fill(say.change, {amount: sign + money(added), share}) : say.same;
    },
    percent(chance) {
      if (chance > 0 && chance < 0.01) return say.under_one;
      return chance < 1 && chance > 0.99 ? say.over_ninety_nine : `${Math.round(100 * chance)}%`;
    },
    // An amount as a person types it: 400M, 400,000,000 or 4억 5,000만; null if it is none.
    read(text) {
      const digits = text.replace(/[,_\s]/g, '');
      const plain = say.units.reduce((rest, unit) => rest.replace(unit, ''), digits).toLowerCase();
      if (!/^(\d+(\.\d+)?[^\d.]*)+$/.test(plain)) return null;
      const parts = [...plain.matchAll(/([\d.]+)([^\d.]*)/g)];
      const units = parts.reduce((sum, [, number, name]) => sum + number * say.sizes[name], 0);
      return units > 0 ? Math.round(units * minor) : null;  // an unknown name makes it NaN
    }
  };
}

// Returns a function that moves the dots, the marks and the axis of a chart of the total, which
// states the patterns of its texts. What happened, known only afterwards, stays where it is.
function dotChart(place, view, say, {log, marks, subtitles, happened}) {
  const report = structuredClone({dots: view.data('dots'), marks: view.data('marks')});
  const [start, end] = ['low', 'high'].map(name => view.signal(name));
  const {share} = report.dots[0], count = report.dots.length, pad = 1.5 * share * (end - start);
  const observed = report.marks.filter(({mark}) => mark === 'observed');
  const top = report.marks.at(-1).top - LINE * (marks.length - 1);
  const captions = [...place.closest('.drawn')?.querySelectorAll('figcaption > *') ?? []];
  const texts = captions.map(caption => caption.textContent);

  function draw(texts, {dots, marks}, low, high, moved) {
    captions.forEach((caption, n) => { caption.textContent = texts[n]; });
    view.data('dots', structuredClone(dots)).data('marks', structuredClone(marks));
    view.signal('low', low).signal('high', high).signal('moved', moved).runAsync();
  }

  return (of, amounts, isReport) => {
    if (isReport) return draw(texts, report, start, end, false);
    const hasBudget = amounts.budget !== null, edge = hasBudget ? amounts.budget : amounts.range_high;
    const totals = report.dots.map((_, n) => of.quantile((n + 0.5) / count));
    const marked = [...Object.values(amounts), ...observed.map(({amount}) => amount)];
    const most = Math.max(...totals, ...marked), high = Math.max(end, (log ? Math.log10(most) : most) + pad);
    // Amounts that are too small for a log axis stand on its left.
    const least = high - Math.max(4, end - start);
    const at = amount => log ? Math.max(Math.log10(amount), least) : amount;
    const low = Math.min(start, at(totals[0]) - pad), width = share * (high - low), levels = {};
    // Every dot stands on its own side of the line at the end of the blue ones.
    const dots = totals.map(amount => {
      const bin = Math.ceil((at(amount) - at(edge)) / width - 1e-9);
      const level = levels[bin] = (levels[bin] ?? -0.5) + 1, label = say.brief(amount);
      const likely = (hasBudget || amount >= amounts.range_low) && amount <= edge;
      return {amount, level, label, likely, share, place: at(edge) + (bin - 0.5) * width};
    });
    const room = DOT_ROOM / (Math.max(...Object.values(levels)) + 0.5);
    const lines = marks.map(([mark, pattern, strong], n) => {
      const amount = amounts[mark], shown = {amount: say.brief(amount), share: say.percent(of.over(amount))};
      return {mark, strong, amount, place: at(amount), label: fill(pattern, shown), top: top + n * LINE};
    }).filter(line => line.amount !== null);
    lines.push(...observed.map(line => ({...line, place: at(line.amount)})));
    const [title = texts[0]] = observed.map(({amount}) => {
      return fill(happened, {amount: say.money(amount), share: say.percent(1 - of.over(amount))});
    });
    const shown = {dots: dots.map(dot => ({...dot, room})), marks: lines};
    draw([title, subtitles[Number(hasBudget)]], shown, low, high, true);
  };
}

function whatIf(root, data, box) {
  const say = speaker(data.formats), {live} = data, model = live && costModel(live.model);
  const base = live && distribution(model.totals({}, {})), charts = new Map();
  const find = root.querySelector('.find'), budgetField = box?.querySelector('.budget input');
  let given, values, budget, searching;

  const all = selector => [box, root].flatMap(part => [...part?.querySelectorAll(selector) ?? []]);
  const write = (selector, text) => all(selector).forEach(place => { place.textContent = text; });
  const listen = (selector, go) => all(selector).forEach(button => { button.onclick = () => go(button); });
  const controls = all('.slider [name], .budget input'), sliders = all('.slider').map(place => {
    const [range, field, exactly] = place.querySelectorAll('input');
    return {range, field, exactly, ...place.dataset};
  });
  const isMoved = x => x.value !== x.defaultValue || x.checked !== x.defaultChecked;

  // Reads the settings that differ from the report. A slider follows its number field.
  function read() {
    [given, values] = [{}, {...data.factors}];
    for (const {range, field, exactly, unit, factor, times, per} of sliders) {
      if (field.validity.rangeOverflow) field.value = field.max;
      if (field.valueAsNumber >= 0) range.value = field.value;
      range.ariaValueText = `${range.value} ${unit}`;
      if (!isMoved(field) && !exactly?.checked) continue;
      values[factor] = (field.valueAsNumber >= 0 ? field : range).value * times / per;
      given[factor] = {value: values[factor], exactly: exactly?.checked};
    }
    budget = live ? say.read(budgetField.value) : null;
  }

  function expected(valuation, others) {
    const known = {...values, ...others};
    return tenDigits(evaluate(data.terms[valuation], id => known[id]));
  }

  // Says what the inputs and the budget lead to.
  function update() {
    read();
    for (const output of root.querySelectorAll('output[data-valuation]')) {
      const {valuation} = output.dataset, amount = expected(valuation), before = data.report[valuation];
      const texts = [say.money(amount), say.exact(amount), say.change(amount, before)];
      [...output.children].forEach((part, n) => { part.textContent = texts[n]; });
    }
    const isChanged = Object.keys(given).length > 0;
    root.querySelector('.reset').disabled = !isChanged;
    if (!live) return;
    const of = isChanged ? distribution(model.totals(...model.setting(given))) : base, {words} = live;
    const [low, p50, high] = [live.low, 0.5, live.high].map(of.quantile), mean = expected('cash');
    const isReport = !isChanged && !isMoved(budgetField);
    write('.likely', fill(words.likely, {low: say.money(low), high: say.money(high)}));
    write('.half', fill(words.half, {median: say.money(p50), mean: say.money(mean)}));
    const chance = say.percent(isReport ? live.chance : of.over(budget));
    write('.over', budget !== null ? fill(words.over, {chance, budget: say.full(budget)})
      : budgetField.value ? words.no_amount : words.no_budget);
    const amounts = {budget, p50, expected: mean, range_low: low, range_high: high};
    for (const show of charts.values()) show(of, amounts, isReport);
    // Other settings have other payments. The old announcement stays, dimmed, until the new one is
    // found, so that nothing moves below it.
    box.querySelector('.announce').ariaBusy = true;
    clearTimeout(searching);
    searching = setTimeout(() => {
      remember();
      if (find) search();
      box.querySelector('.announce').ariaBusy = false;
    }, 250);
  }

  // The address of the page keeps the settings, so that a link leads to them.
  function remember() {
    const kept = new URLSearchParams(controls.filter(isMoved).map(x => [x.name, x.value]));
    const address = kept.size ? `#what-if?${kept}` : '#what-if';
    if (kept.size || location.hash.startsWith('#what-if')) history.replaceState(null, '', address);
  }

  // Sets the controls to such settings; the other sliders go back to the report's inputs.
  function recall(settings) {
    const kept = new URLSearchParams(settings);
    for (const x of controls) {
      x.checked = kept.has(x.name) && x.type === 'checkbox';
      if (kept.has(x.name) || x !== budgetField) x.value = kept.get(x.name) ?? x.defaultValue;
    }
    update();
  }

  // Searches the payments that the form asks for. The first screen has them too; if they do not
  // stay within the budget, it has those that do with a lower probability.
  function search() {
    const [level, step] = ['level', 'step'].map(name => Number(find.querySelector(`[name=${name}]`).value));
    const {words, levels} = live.search, payments = live.search.payments.filter(({id}) => {
      return find.querySelector(`[value="${id}"]`).checked;
    });

    function tell(selector, text, found) {
      const use = all(`${selector} ~ .use, ${selector} ~ * .use`)[0];
      write(selector, text);
      use.hidden = !found?.solved;
      use.onclick = () => {
        for (const {factor, field, times, per} of sliders.filter(x => x.factor in found.payments)) {
          field.value = tenDigits(found.payments[factor] / times * per);
        }
        update();
      };
    }
    function refuse(word, brief = words[word]) {
      tell('.announce', brief);
      tell('.solution', words[word]);
    }
    if (budget === null) return refuse('no_budget', '');
    if (![1, 2].includes(payments.length) || !(step > 0)) return refuse('choose');
    const parts = model.parts(...model.setting(given), payments.map(x => x.id));
    // The weight of a payment is the expected number of claims that receive it.
    const weight = id => expected('cash', {[id]: 1}) - expected('cash', {[id]: 0}), request = {
      ...live.search, budget, values, step: Math.round(step * live.per_field),
      payments: payments.map(x => ({...x, weight: weight(x.id)}))
    };
    const findAt = level => ({level, ...findPayments(parts, {...request, level})});
    const asked = findAt(level), lower = levels.filter(p => p < level);
    if (asked.refused) return refuse(asked.refused);
    const best = asked.solved ? asked : lower.map(findAt).find(x => x.solved) ?? asked;

    function sentence(name, {payments: paid, level, quantile, chance}) {
      const unit = Math.max(10 ** Math.floor(Math.log10(quantile) - 2), say.minor);
      return fill(words[name], {
        tiers: payments.map(x => fill(x.text, {payment: say.exact(paid[x.id])})).join('; '),
        expected: say.money(expected('cash', paid)),
        quantile: say.money(quantile),
        mark: `P${Math.round(100 * level)}`,
        level: `${Math.round(100 * level)}%`,
        budget: say.full(budget),
        chance: say.percent(chance),
        amount: say.amount(Math.ceil(quantile / unit - 1e-9) * unit)  // three digits, rounded up
      });
    }
    const none = asked.solved ? '' : `${sentence('none', asked)} `;
    const more = asked.solved ? ['answer', ...asked.limited ? [] : ['not_limited']] : ['nearest', 'least'];
    tell('.announce', none + sentence(best.solved ? 'announce' : 'least', best), best);
    tell('.solution', none + more.map(name => sentence(name, asked)).join(' '), asked);
  }

  // A line cannot say that an input is uncertain around another mean, so moved inputs become known
  // exactly.
  function copyCommand(language) {
    const {names, [language]: form} = live.command, output = box.querySelector('.line');
    const moved = sliders.filter(x => x.factor in given), others = moved.filter(x => !(x.factor in names));
    for (const {exactly} of moved) if (exactly) exactly.checked = true;
    update();
    const changes = moved.filter(x => x.factor in names).map(({factor}) => {
      const [name, per] = names[factor];
      return fill(form.change, {name, value: tenDigits(values[factor] / per)});
    }).join(form.between);
    output.value = fill(form.line, {options: [
      ...form.options,
      budget === null ? '' : fill(form.budget, {budget: Math.round(budget / say.minor)}),
      changes && fill(form.changes, {changes})
    ].filter(Boolean).join(form.between)});
    const left = others.map(x => x.range.ariaLabel).join(', ');
    write('.left-out', left && fill(live.words.left_out, {name: left}));
    box.querySelector('.copied').hidden = false;
    output.select();
    navigator.clipboard?.writeText(output.value).catch(() => {});  // else it is selected
  }

  for (const part of [box, root]) part?.addEventListener('input', ({target}) => {
    const moved = sliders.find(x => x.range === target);
    if (moved) moved.field.value = target.value;
    update();
  });
  root.addEventListener('change', () => {
    for (const {range, field} of sliders) if (!(field.valueAsNumber >= 0)) field.value = range.value;
  });
  listen('.presets button', button => recall(button.value));
  listen('.copy', button => copyCommand(button.value));
  listen('.reset', () => {
    recall('');
    root.querySelector('[tabindex="-1"]').focus();
  });
  if (live) budgetField.value = budgetField.defaultValue;  // a browser may keep what was typed
  recall(live && location.hash.startsWith('#what-if?') ? location.hash.split('?')[1] : '');
  return {
    // Lets a chart of the total follow the sliders and the budget; a click in it sets the budget.
    attach(place, view, told) {
      if (!live) return;  // too few draws to redraw the chart
      charts.set(place, dotChart(place, view, say, told));
      place.onclick = ({clientX}) => {
        const left = place.querySelector('.background').getBoundingClientRect().left;
        const x = view.scale('x').invert(clientX - left), amount = told.log ? 10 ** x : Math.max(x, 0);
        budgetField.value = say.amount(Number((amount / live.per_field).toPrecision(2)) * live.per_field);
        update();
      };
      update();
    }
  };
}
