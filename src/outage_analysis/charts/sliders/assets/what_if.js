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

    function money(amount) {
      var units = twoDigits(amount / minor);
      if (say.korean) return korean(whole(units));
      var step = say.steps.find(function (s) { return units >= s[0]; }) || [1, ''];
      var number = grouped(Number((units / step[0]).toPrecision(10)));
      return number + (step[1] ? (say.glued ? '' : ' ') + step[1] : '') + ' ' + say.unit;
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

    return {money: money, exact: exact, change: change};
  }

  // One input: a slider and a number field that follow each other. Returns what sets both back.
  function slider(place, moved) {
    var range = place.querySelector('[type=range]'), field = place.querySelector('[type=number]');
    var unit = place.querySelector('.unit').textContent;
    var times = Number(place.dataset.times), per = Number(place.dataset.per);

    function setValueText() { range.setAttribute('aria-valuetext', field.value + ' ' + unit); }

    function set(text) {
      setValueText();
      moved(place.dataset.factor, Number(text) * times / per);
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
    return function () {
      range.value = field.value = field.defaultValue;
      setValueText();
    };
  }

  return function (root, data) {
    var values = Object.assign({}, data.factors), say = speaker(data.formats);
    var reset = root.querySelector('button');

    function total(valuation) {
      var sum = 0;
      data.terms[valuation].forEach(function (term) {
        var product = term[0];
        term[1].forEach(function (id) { product *= values[id]; });
        sum += product;
      });
      return Number(sum.toPrecision(10));
    }

    function tell(any) {
      root.querySelectorAll('output[data-valuation]').forEach(function (output) {
        var valuation = output.dataset.valuation, now = total(valuation);
        output.querySelector('.amount').textContent = say.money(now);
        output.querySelector('.exact').textContent = say.exact(now);
        output.querySelector('.change').textContent = say.change(now, data.report[valuation]);
      });
      root.querySelector('.range').hidden = !any;
      reset.disabled = !any;
    }

    var sliders = Array.from(root.querySelectorAll('.slider')).map(function (place) {
      return slider(place, function (id, value) {
        values[id] = value;
        tell(true);
      });
    });

    reset.addEventListener('click', function () {
      values = Object.assign({}, data.factors);
      sliders.forEach(function (back) { back(); });
      tell(false);
      root.querySelector('[tabindex="-1"]').focus();
    });
    // A browser may keep what was typed before the page was loaded again.
    sliders.forEach(function (back) { back(); });
    root.dataset.live = '';
  };
})();
