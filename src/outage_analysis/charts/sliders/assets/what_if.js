// The sliders inside one element: whatIf(root, data). It looks nowhere else, so a page may have several.
var whatIf = (function () {
  'use strict';

  // Halves go to the even neighbour, as they do in the report.
  function whole(value) {
    var below = Math.floor(value), rest = value - below;
    return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
  }

  function twoDigits(value) {
    if (!value) return 0;
    var step = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 1);
    return step < 1 ? Number(value.toPrecision(2)) : whole(value / step) * step;
  }

  function grouped(value, places) {
    return value.toLocaleString('en-US', {minimumFractionDigits: places || 0, maximumFractionDigits: places || 9});
  }

  // Amounts as the report says them.
  function speaker(say) {
    var minor = Math.pow(10, say.minor);

    function korean(won) {
      var parts = [];
      say.steps.forEach(function (step) {
        if (won >= step[0]) {
          parts.push(grouped(Math.floor(won / step[0])) + step[1]);
          won %= step[0];
        }
      });
      var even = parts.length && !won;
      if (!even) parts.push(grouped(won));
      return parts.join(' ') + (even ? ' ' : '') + say.unit;
    }

    function money(amount) { return inWords(twoDigits(amount / minor)); }

    // Formats an amount without rounding.
    function full(amount) { return inWords(Number((amount / minor).toPrecision(10))); }

    function inWords(units) {
      if (say.korean) return korean(whole(units));
      var step = say.steps.find(function (s) { return units >= s[0]; }) || [1, ''];
      var number = grouped(Number((units / step[0]).toPrecision(10)));
      var gap = say.glued ? '' : ' ';
      return number + gap + (step[1] ? step[1] + ' ' : '') + say.unit;
    }

    function exact(amount) {
      return say.exact.replace('{amount}', grouped(whole(amount) / minor, say.minor));
    }

    function change(now, before) {
      var added = now - before;
      if (!added) return say.same;
      var sign = added < 0 ? say.less : say.more;
      var share = before ? sign + grouped(twoDigits(Math.abs(added / before) * 100)) + '%' : '–';
      return say.change.replace('{amount}', sign + money(Math.abs(added))).replace('{share}', share);
    }

    return {money: money, full: full, exact: exact, change: change, amount: function (amount) { return grouped(amount / minor, say.minor); }, unit: say.unit, minor: minor};
  }

  // One input: a slider and a number field that follow each other, and whether its value is known exactly.
  function slider(place, moved) {
    var exactly = place.querySelector('[type=checkbox]'), range = place.querySelector('[type=range]'), field = place.querySelector('[type=number]');
    var unit = place.querySelector('.unit').textContent;
    var times = Number(place.dataset.times), per = Number(place.dataset.per);

    function setValueText() { range.setAttribute('aria-valuetext', field.value + ' ' + unit); }

    function set(text) {
      setValueText();
      moved(place.dataset.factor, Number(text) * times / per, exactly !== null && exactly.checked);
    }

    function typed() {
      var number = field.valueAsNumber;
      if (!isFinite(number) || number < 0) return null;
      return place.dataset.bounded ? Math.min(number, Number(range.max)) : number;
    }

    range.addEventListener('input', function () {
      field.value = range.value;
      set(range.value);
    });
    field.addEventListener('input', function () {
      var number = typed();
      if (number === null) return;
      range.value = number;
      set(number);
    });
    field.addEventListener('change', function () {
      var number = typed();
      field.value = number === null ? range.value : number;
      setValueText();
    });
    if (exactly) exactly.addEventListener('change', function () { set(field.value); });
    return {
      reset: function () {
        range.value = field.value = field.defaultValue;
        if (exactly) exactly.checked = false;
        setValueText();
      },
      put: function (value, known) {
        field.value = Number((value / times * per).toPrecision(10));
        range.value = field.value;
        if (exactly) exactly.checked = known;
        set(field.value);
      },
      name: place.querySelector('.name').textContent
    };
  }

  return function (root, data) {
    var values = Object.assign({}, data.factors), say = speaker(data.formats), given = {}, known = {};
    var reset = root.querySelector('.reset'), place = root.querySelector('.live');
    var view = place && data.live ? window.liveView(place, data.live, say, function () { return total('cash'); }) : null;

    // Returns the expected total with other values of some factors, or the part that one factor multiplies.
    function total(valuation, others, only) {
      var sum = 0;
      data.terms[valuation].forEach(function (term) {
        var product = only && term[1].indexOf(only) < 0 ? 0 : term[0];
        term[1].forEach(function (id) { product *= others && id in others ? others[id] : values[id]; });
        sum += product;
      });
      return Number(sum.toPrecision(10));
    }

    function tell(any, id) {
      if (search) search.clear();
      root.querySelectorAll('output[data-valuation]').forEach(function (output) {
        var valuation = output.dataset.valuation, now = total(valuation);
        output.querySelector('.amount').textContent = say.money(now);
        output.querySelector('.exact').textContent = say.exact(now);
        output.querySelector('.change').textContent = say.change(now, data.report[valuation]);
      });
      if (view) view.show(given, known, id, id ? sliders[id].name : '');
      else root.querySelector('.range').hidden = !any;
      reset.disabled = !any;
    }

    var sliders = {};
    root.querySelectorAll('.slider').forEach(function (element) {
      sliders[element.dataset.factor] = slider(element, function (id, value, exactly) {
        values[id] = given[id] = value;
        known[id] = exactly;
        tell(true, id);
        remember();
      });
    });

    function back() {
      values = Object.assign({}, data.factors);
      given = {};
      known = {};
      Object.keys(sliders).forEach(function (id) { sliders[id].reset(); });
    }

    // --- the setting in the address of the page, so that it can be sent -----------------------------------

    function remember() {
      if (!view) return;
      var parts = Object.keys(given).map(function (id) { return id + '=' + given[id] + (known[id] ? '!' : ''); });
      if (view.budget() !== data.live.budget) parts.push('budget=' + (view.budget() === null ? '' : view.budget()));
      window.history.replaceState(null, '', parts.length ? '#what-if?' + parts.join('&') : '#what-if');
    }

    function recall() {
      var found = /^#what-if\?(.*)$/.exec(decodeURIComponent(window.location.hash));
      if (!view || !found) return;
      found[1].split('&').forEach(function (part) {
        var pair = part.split('='), exactly = /!$/.test(pair[1] || ''), value = parseFloat(pair[1]);
        if (pair[0] === 'budget') view.setBudget(value >= 0 ? value : null);
        else if (sliders[pair[0]] && value >= 0) sliders[pair[0]].put(value, exactly);
      });
    }

    // Settings at once: the sliders move to the new means, or to exact values.
    root.querySelectorAll('[data-preset]').forEach(function (button) {
      button.addEventListener('click', function () {
        var changes = data.presets[Number(button.dataset.preset)].changes;
        back();
        Object.keys(changes).forEach(function (id) {
          var change = changes[id], exactly = change.set !== undefined;
          sliders[id].put(exactly ? change.set : view.meanAfter(id, change), exactly);
        });
      });
    });

    reset.addEventListener('click', function () {
      back();
      tell(false);
      remember();
      root.querySelector('[tabindex="-1"]').focus();
    });
    root.addEventListener('budget', remember);
    var search = view && data.live.search ? window.liveSearch(root.querySelector('.find'), data.live, view, say, {
      parts: function (ids) { return view.parts(given, known, ids); },
      expected: function (payments) { return total('cash', payments); },
      // Returns the expected number of claims that receive a payment.
      weight: function (id) {
        var one = {};
        one[id] = 1;
        return total('cash', one, id);
      },
      value: function (id) { return values[id]; },
      put: function (payments) { Object.keys(payments).forEach(function (id) { sliders[id].put(payments[id], false); }); }
    }) : null;
    if (search) root.addEventListener('budget', search.clear);
    // A browser may keep what was typed before the page was loaded again.
    back();
    recall();
    root.dataset.live = '';
  };
})();
