"""The loop over steps and epochs, which goes on where it was stopped."""

import math
import pathlib
from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras.training.best_epoch import BestEpoch
from ac_keras.training.checkpoints import RunSaver
from ac_keras.training.checkpoints import RunState
from ac_keras.training.distribution import is_chief
from ac_keras.training.distribution import num_hosts
from ac_keras.training.evaluator import EvaluationData
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.training_log import TrainingLog
from ac_keras.training.update_step import UpdateStep
from ac_keras.utils.processes import StopSignal

BEST_WEIGHTS = "best.weights.h5"
CHECKPOINTS = "checkpoints"
TrainingData = Callable[[int, int, tuple[int, int]], tf.data.Dataset]


class RunStopped(Exception):
    """A signal asked the run to stop, and it has saved where it is."""


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite.

    Attributes:
        epoch: The epoch of the batch, from 0.
        step: The batch's place in it, from 0; None if it is the validation
            split's loss.
    """

    def __init__(self, epoch: int, step: int | None):
        place = "validation" if step is None else f"step {step}"
        super().__init__(
            f"Expected a finite loss. Received: NaN or infinity at {place} of "
            f"epoch {epoch + 1}."
        )
        self.epoch, self.step = epoch, step


class Trainer:
    """Trains by any strategy, on one host or several.

    The same seed gives the same weights, whether the run was killed on its
    way or not: a checkpoint holds all variables and the position in the
    data, which the reader goes on from.

    To be made under the strategy's scope.

    Args:
        model: The model that is trained.
        update_step: How it is updated.
        evaluator: Measures the model that is kept, which may be another one.
        kept_model: That model: the averages, or the model itself.
        metrics: Keras metrics of the training batches' labels and
            probabilities, whose state is a sum over clips.
        batch_size: Clips in a step, over all replicas and hosts.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs of the whole run.
        steps_per_execution: Steps between two looks at the loss, the clock
            and the signals.
        directory: The run's folder; it exists.
        best: Which epoch to keep.
        checkpoint_seconds: Seconds between two checkpoints. There is one
            after an epoch too, unless it would cost more than a sixtieth of
            the time since the one before.
    """

    def __init__(
        self,
        model: keras.Model,
        update_step: UpdateStep,
        evaluator: Evaluator | None,
        *,
        kept_model: keras.Model | None = None,
        metrics: Sequence[keras.metrics.Metric] = (),
        batch_size: int,
        steps_per_epoch: int,
        epochs: int,
        steps_per_execution: int = 1,
        directory: pathlib.Path,
        best: BestEpoch,
        checkpoint_seconds: float = 600.0,
    ):
        self.model = model
        self.best = best
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs
        self.steps_per_execution = steps_per_execution
        self.directory = directory
        self._strategy = tf.distribute.get_strategy()
        self.is_chief = is_chief(self._strategy)
        self.num_hosts = num_hosts(self._strategy)
        self._update = update_step
        self._evaluator = evaluator
        self.kept_model = kept_model or model
        self._metrics = [keras.metrics.Mean(name="loss"), *metrics]
        variables = [x.value for x in model.variables]
        variables += update_step.variables
        variables += [x.value for m in self._metrics for x in m.variables]
        folder = CHECKPOINTS
        if not self.is_chief:  # All take part in saving; the chief's counts.
            task = self._strategy.cluster_resolver.task_id
            folder = f".{CHECKPOINTS}-{task}"
        self.state = RunState(directory / folder, variables)
        self._saver = RunSaver(
            self.state,
            self.kept_model,
            directory / BEST_WEIGHTS,
            checkpoint_seconds,
        )
        self._execute = tf.function(self._run_steps)
        self._sum = tf.function(self._sum_over_hosts)

    def fit(
        self,
        training_data: TrainingData,
        validation_data: EvaluationData | None,
        log: TrainingLog | None,
        signals: StopSignal,
    ) -> list[dict]:
        """Trains until the last epoch, or until patience ends.

        Args:
            training_data: Gives endless batches from an epoch, a step and a
                share on, as `training_batches` takes them.
            validation_data: Gives the validation batches.
            log: Where to tell; None on hosts that are not the chief.
            signals: Whether to stop.

        Returns:
            The figures of every epoch.

        Raises:
            RunStopped: If a signal came. A checkpoint was written.
            NonFiniteLossError: If a loss is not finite. The last checkpoint
                is that of an earlier step.
        """
        self.state.restore(self.directory / CHECKPOINTS)
        self._log, self._signals = log, signals
        if log:
            log.epoch(self.state.history, new=False)
        if self._is_done():
            return self.state.history
        first_epoch, first_step = self.state.epoch, self.state.step
        # Its evaluation was not done, or records are left out since then.
        if first_step >= self.steps_per_epoch:
            first_epoch, first_step = first_epoch + 1, 0

        def share(context):
            part = context.input_pipeline_id, context.num_input_pipelines
            batches = training_data(first_epoch, first_step, part)
            size = context.get_per_replica_batch_size(self.batch_size)
            if size * part[1] == self.batch_size:
                return batches
            return batches.rebatch(size)

        batches = iter(self._strategy.distribute_datasets_from_function(share))
        self._saver.begin()
        while not self._is_done():
            self._train_epoch(batches)
            self._end_epoch(validation_data)
        return self.state.history

    def wait_for_hosts(self) -> None:
        """Returns when all hosts have come here; the chief's files stay."""
        if self.num_hosts > 1:
            self._sum(tf.zeros(1)).numpy()
        if not self.is_chief:
            self.state.remove()

    def _is_done(self):
        state = self.state
        return state.epoch >= self.epochs or self.best.should_stop(
            state.history
        )

    def _train_epoch(self, batches):
        state = self.state
        if self._log:
            self._log.begin_epoch(state.epoch, state.step, self.steps_per_epoch)
        while state.step < self.steps_per_epoch:
            left = self.steps_per_epoch - state.step
            count = min(self.steps_per_execution, left)
            losses = self._execute(batches, tf.constant(count)).numpy()
            for offset, loss in enumerate(losses):
                if not math.isfinite(loss):
                    step = state.step + offset
                    raise NonFiniteLossError(state.epoch, step)
            state.step += count
            if self._log:
                total = state.epoch * self.steps_per_epoch + state.step
                self._log.step(state.step, total, {"loss": float(losses[-1])})
            self._save_if_due()

    def _end_epoch(self, validation_data):
        state = self.state
        row = {"epoch": state.epoch}
        row |= {m.name: float(m.result()) for m in self._metrics}
        rate = self._update.optimizer.learning_rate
        row["learning_rate"] = float(keras.ops.convert_to_numpy(rate))
        if self._log:
            row |= self._log.times(state.step)
        if validation_data is not None:
            measured = self._evaluator.evaluate(
                validation_data, self.batch_size, self._stop_if_asked
            )
            if not math.isfinite(measured["loss"]):
                raise NonFiniteLossError(state.epoch, None)
            row |= {f"val_{name}": x for name, x in measured.items()}
        state.history.append(row)
        if self._log:
            self._log.epoch(state.history)
        for metric in self._metrics:
            metric.reset_state()
        best = self.is_chief and self.best.is_last_best(state.history)
        state.epoch, state.step = state.epoch + 1, 0
        # Several hosts save together, whatever their clocks say.
        must = self._is_done() or self.num_hosts > 1
        saved = must or self._saver.is_due_after_epoch()
        if saved:
            self._saver.save(best)
        elif best:
            self._saver.hold()
        if self.num_hosts == 1 and self._signals.received:
            if not saved:
                self._saver.save()
            self._raise_stopped()  # There may be no step that would.

    def _save_if_due(self):
        stop = float(self._signals.received is not None)
        due = self._saver.is_due()
        flags = tf.constant([stop, float(due and self.is_chief)])
        if self.num_hosts > 1:
            flags = self._sum(flags)
        stop, due = (x > 0 for x in flags.numpy())
        if stop or due:
            self._saver.save()
        if stop:
            self._raise_stopped()

    def _stop_if_asked(self):
        """Ends a run on one host between two batches of an evaluation."""
        if self.num_hosts == 1 and self._signals.received:
            self._saver.save()
            self._raise_stopped()

    def _raise_stopped(self):
        state = self.state
        place = f"epoch {state.epoch}"
        if state.step:
            place = f"step {state.step} of epoch {state.epoch + 1}"
        raise RunStopped(
            f"Stopped by {self._signals.received or 'another host'} after "
            f"{place}, which is saved. The same command goes on from there."
        )

    def _run_steps(self, batches, count):
        losses = tf.TensorArray(tf.float32, size=count, element_shape=[])
        for index in tf.range(count):
            loss = self._strategy.run(self._replica_step, (next(batches),))
            loss = self._strategy.experimental_local_results(loss)[0]
            losses = losses.write(index, loss)
        return losses.stack()

    def _replica_step(self, batch):
        features, labels = batch
        loss, probabilities = self._update(features, labels, self.batch_size)
        self._metrics[0].update_state(loss)
        for metric in self._metrics[1:]:
            metric.update_state(labels, probabilities)
        return loss

    def _sum_over_hosts(self, flags):
        def add(flags):
            replica = tf.distribute.get_replica_context()
            own = tf.identity(flags)  # on the replica's device
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, own)

        total = self._strategy.run(add, (flags,))
        return self._strategy.experimental_local_results(total)[0]
